import { once } from 'node:events'
import type { Socket } from 'node:net'
import { concatBytes, encodeMessage, packStringAndRest, packStrings, XenStoreOp } from '@split-driver/xenbus'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { SocketWorld } from './support/socket-world.js'

let world: SocketWorld
beforeEach(() => {
  world = new SocketWorld()
})
afterEach(() => world[Symbol.asyncDispose]())

const VALUE = 'v'.repeat(400)
const write = encodeMessage({ type: XenStoreOp.Write, reqId: 0, txId: 0, body: packStringAndRest('/big', VALUE) })
const read = (reqId: number) => encodeMessage({ type: XenStoreOp.Read, reqId, txId: 0, body: packStrings('/big') })

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** Resolves once nothing has changed for so many turns of the event loop that nothing is under way any more. */
const settled = async (figure: () => number): Promise<void> => {
  for (let idle = 0, before = figure(); idle < 200; before = figure()) {
    await nextTurn()
    idle = figure() === before ? idle + 1 : 0
  }
}

/** Takes `bytes` bytes from a socket that was not read yet. */
const take = async (socket: Socket, bytes: number): Promise<Buffer> => {
  const taken: Buffer[] = []
  let length = 0
  await new Promise<void>((resolve) => {
    socket.on('data', (piece: Buffer) => {
      taken.push(piece)
      length += piece.length
      if (length >= bytes) resolve()
    })
    socket.resume()
  })
  return Buffer.concat(taken)
}

describe.each(['node', 'kernel'] as const)('sockets of the %s', (sockets) => {
  test('S1: a client that breaks the protocol loses its connection, and nobody else notices', async () => {
    await world.listen({ sockets })
    const good = await world.connect()
    const bad = await world.connectRaw()
    const header = encodeMessage({ type: XenStoreOp.Read, reqId: 0, txId: 0, body: new Uint8Array() })
    new DataView(header.buffer).setUint32(12, 4097, true)
    bad.resume().write(header)
    await once(bad, 'close')
    expect(await good.directory('/')).toEqual(['tool'])
  })

  test('S4: a client that does not read is not read from any more, and loses nothing once it does', async () => {
    await world.listen({ sockets })
    const client = await world.connectRaw()
    const count = 40_000
    client.pause().write(concatBytes(write, ...Array.from({ length: count }, (_, i) => read(i))))
    await settled(() => client.bytesWritten - client.writableLength)
    expect(client.writableLength).toBeGreaterThan(0)
    const replies = await take(client, 16 + 3 + count * (16 + VALUE.length))
    expect(replies.readUInt32LE(replies.length - VALUE.length - 16 + 4)).toBe(count - 1)
  })

  test('a client that has asked and says no more is answered, and let go', async () => {
    await world.listen({ sockets })
    const client = await world.connectRaw(true)
    client.end(concatBytes(write, read(7)))
    expect((await take(client, 16 + 3 + 16 + VALUE.length)).readUInt32LE(16 + 3 + 4)).toBe(7)
    await once(client, 'end')
  })

  test('a client that is gone with replies untaken is forgotten', async () => {
    await world.listen({ sockets })
    const client = await world.connectRaw()
    const watch = encodeMessage({ type: XenStoreOp.Watch, reqId: 1, txId: 0, body: packStrings('/x', 'token') })
    client.pause().write(concatBytes(watch, write, ...Array.from({ length: 2000 }, (_, i) => read(i))))
    await settled(() => client.bytesWritten - client.writableLength)
    expect(world.store.server.holdings()).toEqual([{ domid: 0, watches: 1, transactions: 0 }])
    client.destroy()
    await settled(() => world.store.server.holdings().length)
    expect(world.store.server.holdings()).toEqual([])
  })

  test('hundreds of clients that come and go leave nothing', async () => {
    await world.listen({ sockets })
    const clients = await Promise.all(Array.from({ length: 300 }, () => world.connect()))
    expect(await Promise.all(clients.map((client) => client.directory('/')))).toEqual(clients.map(() => ['tool']))
    const watches = await Promise.all(clients.map((client) => client.watch('/tool')))
    expect(world.store.server.holdings()[0]?.watches).toBe(300)
    for (const client of clients) client.close()
    for (const watch of watches) await watch.close()
    await settled(() => world.store.server.holdings().length)
    expect(world.store.server.holdings()).toEqual([])
  })
})
