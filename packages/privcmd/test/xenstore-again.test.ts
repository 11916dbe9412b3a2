import { createServer, type Socket } from 'node:net'
import type { Domid } from '@split-driver/abi'
import { PrivcmdPlatform, SystemCallError } from '@split-driver/privcmd'
import { SocketChannel } from '@split-driver/xenbus/node'
import { XenstoreServer } from '@split-driver/xenstored'
import { expect, onTestFinished, test } from 'vitest'
import { HostFiles } from './support/host-files.js'
import { ScriptedCalls } from './support/scripted-calls.js'

const DOM0 = 0 as Domid

/** A daemon at a socket, without a machine below; its end takes all connections with it. */
const daemon = async (path: string) => {
  const store = new XenstoreServer({ events: {}, mapper: {} } as ConstructorParameters<typeof XenstoreServer>[0])
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    store.accept(new SocketChannel(socket), { domid: DOM0, privileged: true })
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  const end = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve))
    for (const socket of sockets) socket.destroy()
    await closed
  }
  return { store, end }
}

const host = () => {
  const files = new HostFiles()
  onTestFinished(() => files[Symbol.dispose]())
  return files.complete().write('run/xenstored/place')
}

test('XenStore by its socket: the daemon that comes later has the watch, and never the kernel’s node instead', async () => {
  const { paths } = host()
  const calls = new ScriptedCalls()
  const first = await daemon(paths.xenstoreSocket)
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
  const second = await daemon(paths.xenstoreSocket)
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
  const server = await daemon(paths.xenstoreSocket)
  onTestFinished(server.end)
  const again = new Promise<void>((resolve) => platform.xenstore.on('reconnected', resolve))
  calls.reads.push(new SystemCallError('read', 'EIO', paths.xenbus))
  calls.readable?.()
  await again
  expect(calls.take()).toEqual(['close', `open ${paths.xenbus}`])
})

test('a platform that is disposed of while XenStore is away seeks it no longer', async () => {
  const { paths } = host()
  const first = await daemon(paths.xenstoreSocket)
  const platform = await PrivcmdPlatform.open({ paths, systemCalls: new ScriptedCalls(), domid: DOM0 })
  const lost = new Promise<void>((resolve) => platform.xenstore.on('lost', resolve))
  await first.end()
  await lost
  const waiting = platform.xenstore.read('/a')
  await platform[Symbol.asyncDispose]()
  await expect(waiting).rejects.toMatchObject({ code: 'CLOSED' })
  expect(platform.xenstore.closed).toBe(true)
})
