import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Domid } from '@split-driver/abi'
import { XenStoreClient } from '@split-driver/xenbus'
import { hostPacing, SocketChannel } from '@split-driver/xenbus/node'
import { XenstoreServer } from '@split-driver/xenstored'
import { afterEach, expect, it } from 'vitest'

const dom0 = 0 as Domid
const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const each of undo.splice(0).reverse()) await each()
})

/** A daemon at a socket; its end takes all connections with it. */
const daemon = async (path: string): Promise<{ readonly store: XenstoreServer; end(): Promise<void> }> => {
  const nothing = { events: {}, mapper: {} } as ConstructorParameters<typeof XenstoreServer>[0]
  const store = new XenstoreServer(nothing)
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    store.accept(new SocketChannel(socket), { domid: dom0, privileged: true })
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  const end = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve))
    for (const socket of sockets) socket.destroy()
    await closed
  }
  undo.push(end)
  return { store, end }
}

it('a client over the socket goes on at the daemon that follows the first, its watch registered once', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'split-driver-socket-'))
  undo.push(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'socket')
  const first = await daemon(path)
  const client = await XenStoreClient.open(() => SocketChannel.connect(path), hostPacing())
  undo.push(() => client.close())
  const paths = (await client.watch('/a'))[Symbol.asyncIterator]()
  expect(await paths.next()).toEqual({ done: false, value: '/a' })
  const lost = new Promise<void>((resolve) => client.on('lost', resolve))
  await first.end()
  await lost
  const waiting = client.write('/a/b', 'kept')
  const second = await daemon(path)
  await waiting
  expect(await client.read('/a/b')).toBe('kept')
  expect(second.store.holdings()).toEqual([{ domid: dom0, watches: 1, transactions: 0 }])
  expect(await paths.next()).toEqual({ done: false, value: '/a' })
  expect(await paths.next()).toEqual({ done: false, value: '/a/b' })
})
