import { MessageChannel } from 'node:worker_threads'
import { FlatMemory } from '@split-driver/abi'
import { type ByteChannel, type BytePort, channelPair, MessagePortChannel, RingChannel } from '@split-driver/xenbus'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

type Pair = readonly [near: ByteChannel, far: ByteChannel]

const ringPair = (): Pair => {
  const page = FlatMemory.allocate(4096)
  const later = (wake: () => void) => () => queueMicrotask(wake)
  const front: RingChannel = RingChannel.front(
    page,
    later(() => back.wake()),
  )
  const back: RingChannel = RingChannel.back(
    page,
    later(() => front.wake()),
  )
  return [front, back]
}

const portPair = (): Pair => {
  const { port1, port2 } = new MessageChannel()
  return [new MessagePortChannel(port1 as unknown as BytePort), new MessagePortChannel(port2 as unknown as BytePort)]
}

const worlds: readonly (readonly [string, () => Pair])[] = [
  ['channelPair', () => channelPair(64)],
  ['RingChannel', ringPair],
  ['MessagePortChannel', portPair],
]

/** Moves all of `bytes`, in pieces, whenever the sender or the receiver is told that it may. */
const transfer = (
  sender: ByteChannel,
  receiver: ByteChannel,
  bytes: Uint8Array,
  pieces: readonly number[],
): Promise<Uint8Array> =>
  new Promise((resolve) => {
    const received = new Uint8Array(bytes.length)
    let sent = 0
    let got = 0
    let turn = 0
    const piece = (): number => pieces[turn++ % pieces.length]!
    sender.onReady(() => {
      for (let count = -1; count !== 0 && sent < bytes.length; sent += count)
        count = sender.send(bytes.subarray(sent, sent + piece()))
    })
    receiver.onReady(() => {
      const target = new Uint8Array(piece())
      for (let count = receiver.receive(target); count > 0; count = receiver.receive(target)) {
        received.set(target.subarray(0, count), got)
        got += count
      }
      if (got === bytes.length) resolve(received)
    })
  })

for (const [name, open] of worlds)
  describe(name, () => {
    it('both directions carry every byte in order, in pieces of any size', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.uint8Array({ minLength: 1, maxLength: 5000 }),
          fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 5 }),
          fc.boolean(),
          async (bytes, pieces, back) => {
            const [near, far] = open()
            const received = await transfer(back ? far : near, back ? near : far, bytes, pieces)
            expect(received).toEqual(bytes)
            near.close()
          },
        ),
        { numRuns: 30 },
      )
    })

    it('S4: a peer that never reads costs bounded memory', () => {
      const [near] = open()
      const block = new Uint8Array(4096)
      let taken = 0
      for (let i = 0; i < 1000; i++) taken += near.send(block)
      expect(taken).toBeGreaterThan(0)
      expect(taken).toBeLessThanOrEqual(65536)
      near.close()
    })

    it('a handler is called soon after it is set, but not at once', async () => {
      const [near] = open()
      let calls = 0
      near.onReady(() => calls++)
      expect(calls).toBe(0)
      await new Promise((resolve) => setImmediate(resolve))
      expect(calls).toBe(1)
      near.close()
    })

    it('a closed channel takes nothing, tells its handler, and closes again without harm', async () => {
      const [near, far] = open()
      near.close()
      near.close()
      expect(near.closed).toBe(true)
      expect(near.send(Uint8Array.of(1))).toBe(0)
      expect(near.receive(new Uint8Array(1))).toBe(0)
      far.close()
    })
  })

describe('channelPair', () => {
  it('closing one end closes the other, which can still take what had arrived', async () => {
    const [near, far] = channelPair()
    near.send(Uint8Array.of(1, 2))
    const told = new Promise<void>((resolve) => far.onReady(resolve))
    near.close()
    await told
    expect(far.closed).toBe(true)
    const target = new Uint8Array(4)
    expect(far.receive(target)).toBe(2)
    expect(far.send(target)).toBe(0)
  })
})

describe('MessagePortChannel', () => {
  it('the other end hears that this one has closed', async () => {
    const [near, far] = portPair()
    const closed = new Promise<void>((resolve) => far.onReady(() => far.closed && resolve()))
    near.close()
    await closed
  })

  const breaches: readonly (readonly [string, unknown])[] = [
    ['credit that was never taken', 1],
    ['negative credit', -1],
    ['half a credit', 0.5],
    ['an empty piece', new Uint8Array()],
    ['more than there is room for', new Uint8Array(65537)],
    ['text', 'hello'],
    ['nothing', undefined],
    ['an object', { length: 3 }],
  ]
  for (const [name, message] of breaches)
    it(`S4: ${name} cuts the sender off`, async () => {
      const { port1, port2 } = new MessageChannel()
      const channel = new MessagePortChannel(port1 as unknown as BytePort)
      const closed = new Promise<void>((resolve) => channel.onReady(() => channel.closed && resolve()))
      port2.postMessage(message)
      await closed
      expect(channel.receive(new Uint8Array(10))).toBe(0)
    })

  it('S4: pieces beyond the window, though each is small, cut the sender off', async () => {
    const { port1, port2 } = new MessageChannel()
    const channel = new MessagePortChannel(port1 as unknown as BytePort)
    const closed = new Promise<void>((resolve) => channel.onReady(() => channel.closed && resolve()))
    for (let i = 0; i < 17; i++) port2.postMessage(new Uint8Array(4096))
    await closed
  })
})
