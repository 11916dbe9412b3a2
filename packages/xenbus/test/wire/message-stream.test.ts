import { concatBytes, encodeMessage, type Message, MessageReader, MessageWriter } from '@split-driver/xenbus'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ChunkedChannel } from './chunked-channel.js'

const u32 = fc.nat(0xffff_ffff)
const message: fc.Arbitrary<Message> = fc.record({
  type: u32,
  reqId: u32,
  txId: u32,
  body: fc.uint8Array({ maxLength: 80 }),
})
/** At least one piece is not empty, so that the stream goes on. */
const pieces = fc.array(fc.nat(40), { minLength: 1, maxLength: 12 }).map((sizes) => [...sizes, 1])

const readAll = (channel: ChunkedChannel): { messages: Message[]; reader: MessageReader } => {
  const reader = new MessageReader(channel)
  const messages: Message[] = []
  for (let idle = 0; idle < 64; ) {
    const next = reader.next()
    if (next) messages.push(next)
    idle = next || !channel.exhausted ? 0 : idle + 1
    if (reader.broken) break
  }
  return { messages, reader }
}

const header = (len: number): Uint8Array => {
  const bytes = encodeMessage({ type: 2, reqId: 1, txId: 0, body: new Uint8Array() })
  new DataView(bytes.buffer).setUint32(12, len, true)
  return bytes
}

it('rule 38: messages come out whole and in order, however the stream is cut', () => {
  fc.assert(
    fc.property(fc.array(message, { maxLength: 8 }), pieces, (messages, sizes) => {
      const { messages: read, reader } = readAll(new ChunkedChannel(concatBytes(...messages.map(encodeMessage)), sizes))
      expect(read).toEqual(messages)
      expect(reader.midMessage).toBe(false)
      expect(reader.broken).toBe(false)
    }),
    { numRuns: 1000 },
  )
})

it('rule 55: a body that comes apart from its header, byte by byte', () => {
  const expected = { type: 11, reqId: 9, txId: 0, body: new Uint8Array(4096).fill(5) }
  const { messages } = readAll(new ChunkedChannel(encodeMessage(expected), [1]))
  expect(messages).toEqual([expected])
})

it('a message cut off in its middle is never given out', () => {
  const whole = encodeMessage({ type: 11, reqId: 9, txId: 0, body: new Uint8Array(20) })
  for (const length of [1, 15, 16, 17, 35]) {
    const { messages, reader } = readAll(new ChunkedChannel(whole.subarray(0, length), [7]))
    expect(messages).toEqual([])
    expect(reader.midMessage).toBe(true)
  }
})

it('S1: a length beyond 4096 breaks the stream for good, and nothing is kept for it', () => {
  for (const len of [4097, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff]) {
    const good = encodeMessage({ type: 2, reqId: 1, txId: 0, body: Uint8Array.of(1) })
    const channel = new ChunkedChannel(concatBytes(good, header(len), good), [1000])
    const { messages, reader } = readAll(channel)
    expect(messages.length).toBe(1)
    expect(reader.broken).toBe(true)
    expect(reader.next()).toBeUndefined()
    expect(channel.exhausted).toBe(false)
  }
})

it('S1: a length of 4096 is legal', () => {
  const bytes = concatBytes(header(4096), new Uint8Array(4096))
  const { messages, reader } = readAll(new ChunkedChannel(bytes, [1000]))
  expect(reader.broken).toBe(false)
  expect(messages[0]?.body.length).toBe(4096)
})

it('S1: any bytes at all are read without a throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), pieces, (bytes, sizes) => {
      readAll(new ChunkedChannel(bytes, sizes))
    }),
  )
})

it('a writer sends what there is room for and keeps the rest, in order', () => {
  fc.assert(
    fc.property(fc.array(message, { maxLength: 8 }), pieces, (messages, takes) => {
      const channel = new ChunkedChannel(new Uint8Array(), [0], takes)
      const writer = new MessageWriter(channel)
      const bytes = messages.map(encodeMessage)
      for (const each of messages) {
        writer.push(each)
        writer.flush()
        expect(writer.pendingBytes + channel.sent.length).toBe(
          bytes.slice(0, messages.indexOf(each) + 1).reduce((sum, one) => sum + one.length, 0),
        )
      }
      for (let tries = 0; !writer.flush(); tries++) expect(tries).toBeLessThan(10_000)
      expect(writer.pendingBytes).toBe(0)
      expect(Uint8Array.from(channel.sent)).toEqual(concatBytes(...bytes))
    }),
    { numRuns: 500 },
  )
})

it('a writer that is cleared sends nothing more', () => {
  const channel = new ChunkedChannel(new Uint8Array(), [0], [5, 0, 100])
  const writer = new MessageWriter(channel)
  writer.push({ type: 2, reqId: 1, txId: 0, body: new Uint8Array(10) })
  expect(writer.flush()).toBe(false)
  writer.clear()
  expect(writer.flush()).toBe(true)
  expect(channel.sent.length).toBe(5)
})
