import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Duplex } from 'node:stream'
import { encodeMessage, MessageReader, XenStoreClient, XenStoreOp } from '@split-driver/xenbus'
import { SocketChannel } from '@split-driver/xenbus/node'
import { afterEach, expect, it } from 'vitest'

const undo: (() => void)[] = []
afterEach(() => {
  for (const each of undo.splice(0).reverse()) each()
})

/** @param serve gets each connection */
const listen = async (serve: (socket: Socket) => void): Promise<string> => {
  const folder = mkdtempSync(join(tmpdir(), 'split-driver-socket-'))
  const path = join(folder, 'socket')
  const sockets: Socket[] = []
  const server: Server = createServer((socket) => {
    sockets.push(socket)
    serve(socket)
  })
  undo.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
    rmSync(folder, { recursive: true })
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  return path
}

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve))

it('a client asks over the socket, and hears when the server goes', async () => {
  const path = await listen((socket) => {
    socket.on('data', (bytes) => {
      if (bytes.includes('last')) socket.end()
      else
        socket.write(
          encodeMessage({ type: XenStoreOp.Read, reqId: bytes.readUInt32LE(4), txId: 0, body: bytes.subarray(16) }),
        )
    })
  })
  const store = new XenStoreClient(await SocketChannel.connect(path))
  expect(await store.read('domid')).toBe('domid\0')
  await expect(store.read('last')).rejects.toThrow(expect.objectContaining({ code: 'CLOSED' }))
  expect(store.closed).toBe(true)
})

it('S4: what nobody takes is bounded: the socket is not read any further, and loses nothing', async () => {
  const message = encodeMessage({ type: XenStoreOp.WatchEvent, reqId: 0, txId: 0, body: new Uint8Array(4096).fill(65) })
  const count = 1000
  let sent = 0
  const path = await listen((socket) => {
    const send = () => {
      if (++sent < count) socket.write(message, send)
    }
    socket.write(message, send)
  })
  const channel = await SocketChannel.connect(path)
  undo.push(() => channel.close())
  for (let idle = 0, before = sent; idle < 500; before = sent) {
    await nextTurn()
    idle = sent === before ? idle + 1 : 0
  }
  expect(sent).toBeGreaterThan(16)
  expect(sent).toBeLessThan(count / 2)
  const reader = new MessageReader(channel)
  let seen = 0
  while (seen < count) {
    const next = reader.next()
    if (next === undefined) await nextTurn()
    else seen++
  }
  expect(reader.next()).toBeUndefined()
})

it('a socket that takes no more says so, and then that it does again', async () => {
  let server: Socket | undefined
  const path = await listen((socket) => {
    server = socket
    socket.pause()
  })
  const channel = await SocketChannel.connect(path)
  undo.push(() => channel.close())
  while (channel.send(new Uint8Array(65536)) > 0) {}
  while (server === undefined) await nextTurn()
  server.resume()
  while (channel.send(new Uint8Array(1)) === 0) await nextTurn()
})

it('closing is told once, and nothing can be sent after it', async () => {
  const channel = await SocketChannel.connect(await listen(() => {}))
  let told = 0
  channel.onReady(() => told++)
  channel.close()
  channel.close()
  expect([told, channel.closed, channel.send(Uint8Array.of(1))]).toEqual([1, true, 0])
})

it('what is sent in one turn is one write of the system: pipelined requests are many small ones', async () => {
  const writes: number[] = []
  const socket = new Duplex({
    read: () => undefined,
    write: (_chunk, _encoding, done) => done(void writes.push(1)),
    writev: (chunks, done) => done(void writes.push(chunks.length)),
  })
  const channel = new SocketChannel(socket as unknown as Socket)
  for (let i = 0; i < 3; i++) channel.send(Uint8Array.of(i))
  await Promise.resolve()
  channel.send(Uint8Array.of(3))
  await nextTurn()
  channel.send(Uint8Array.of(4))
  await nextTurn()
  expect(writes).toEqual([4, 1])
})

it('what was sent right before the channel is closed arrives', async () => {
  let told: (bytes: Buffer) => void = () => undefined
  const arrived = new Promise<Buffer>((resolve) => {
    told = resolve
  })
  const channel = await SocketChannel.connect(await listen((socket) => socket.once('data', told)))
  channel.send(Uint8Array.of(1))
  channel.send(Uint8Array.of(2))
  channel.close()
  expect([...(await arrived)]).toEqual([1, 2])
})
