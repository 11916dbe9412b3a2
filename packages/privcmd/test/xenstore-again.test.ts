import type { Domid } from '@split-driver/abi'
import { PrivcmdPlatform, SystemCallError } from '@split-driver/privcmd'
import { expect, onTestFinished, test } from 'vitest'
import { HostFiles } from './support/host-files.js'
import { ScriptedCalls } from './support/scripted-calls.js'
import { storeAtSocket } from './support/store-at-socket.js'

const DOM0 = 0 as Domid

const host = () => {
  const files = new HostFiles()
  onTestFinished(() => files[Symbol.dispose]())
  return files.complete().write('run/xenstored/place')
}

test('XenStore by its socket: the daemon that comes later has the watch, and never the kernel’s node instead', async () => {
  const { paths } = host()
  const calls = new ScriptedCalls()
  const first = await storeAtSocket(paths.xenstoreSocket)
  const platform = await PrivcmdPlatform.open({ paths, systemCalls: calls, domid: DOM0 })
  onTestFinished(() => platform[Symbol.asyncDispose]())
  const seen = (await platform.xenstore.watch('/a'))[Symbol.asyncIterator]()
  expect((await seen.next()).value).toBe('/a')
  const lost = new Promise<void>((resolve) => platform.xenstore.on('lost', resolve))
  await first.end()
  await lost
  const waiting = platform.xenstore.write('/a/b', 'kept')
  // Time for tries that find no socket: each would have found the node.
  await new Promise((resolve) => platform.clock.setTimer(60, () => resolve(undefined)))
  const second = await storeAtSocket(paths.xenstoreSocket)
  onTestFinished(second.end)
  await waiting
  expect(second.store.holdings()).toEqual([{ domid: DOM0, watches: 1, transactions: 0 }])
  expect([(await seen.next()).value, (await seen.next()).value]).toEqual(['/a', '/a/b'])
  expect(calls.take()).toEqual([])
})

test('XenStore by the kernel’s node: opened again when the node fails, and not the socket that is there by then', async () => {
  const { paths } = host()
  const calls = new ScriptedCalls()
  const platform = await PrivcmdPlatform.open({ paths, systemCalls: calls, domid: DOM0 })
  onTestFinished(() => platform[Symbol.asyncDispose]())
  expect(calls.take()).toEqual([`open ${paths.xenbus}`])
  const server = await storeAtSocket(paths.xenstoreSocket)
  onTestFinished(server.end)
  const again = new Promise<void>((resolve) => platform.xenstore.on('reconnected', resolve))
  calls.reads.push(new SystemCallError('read', 'EIO', paths.xenbus))
  calls.readable?.()
  await again
  expect(calls.take()).toEqual(['close', `open ${paths.xenbus}`])
})

test('a platform that is disposed of while XenStore is away seeks it no longer', async () => {
  const { paths } = host()
  const first = await storeAtSocket(paths.xenstoreSocket)
  const platform = await PrivcmdPlatform.open({ paths, systemCalls: new ScriptedCalls(), domid: DOM0 })
  const lost = new Promise<void>((resolve) => platform.xenstore.on('lost', resolve))
  await first.end()
  await lost
  const waiting = platform.xenstore.read('/a')
  await platform[Symbol.asyncDispose]()
  await expect(waiting).rejects.toMatchObject({ code: 'CLOSED' })
  expect(platform.xenstore.closed).toBe(true)
})
