import {
  type ByteChannel,
  channelPair,
  encodeMessage,
  encodeWatchEvent,
  type Message,
  PAYLOAD_MAX_BYTES,
  SOCKMSG_BYTES,
  toBytes,
  unpackTexts,
  XenStoreClient,
  XenStoreOp,
  xsdSockmsg,
} from '@split-driver/xenbus'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { settle } from '../settle.js'
import { ManualClock } from './manual-clock.js'
import { ScriptedServer } from './scripted-server.js'
import { Succession } from './succession.js'

const eventMessage = (path: string, token: string): Uint8Array => {
  const body = encodeWatchEvent({ path, token: toBytes(token) })
  return encodeMessage({ type: XenStoreOp.WatchEvent, reqId: 0, txId: 0, body })
}

const DIGITS = 6

/** One message at a time: `device/` and a number, written over the last one's. */
const numberedEvents = (token: string): ((index: number) => Uint8Array) => {
  const bytes = eventMessage(`device/${'0'.repeat(DIGITS)}`, token)
  const last = SOCKMSG_BYTES + 'device/'.length + DIGITS - 1
  return (index) => {
    for (let at = last, rest = index; at > last - DIGITS; at--, rest = Math.floor(rest / 10))
      bytes[at] = 48 + (rest % 10)
    return bytes
  }
}

/** The far end floods: what it sends follows from a number, and it never waits. */
class FloodingChannel implements ByteChannel {
  closed = false
  sent = 0
  readonly requests: Uint8Array[] = []
  readonly #replies: Uint8Array[] = []
  readonly #flood: (index: number) => Uint8Array | undefined
  #current: Uint8Array = new Uint8Array()
  #handler: (() => void) | undefined

  /** @param flood the message of this number, if there is any more */
  constructor(flood: (index: number) => Uint8Array | undefined) {
    this.#flood = flood
  }

  reply(request: Uint8Array, body: string): void {
    const { type, reqId, txId } = xsdSockmsg.read(new Int32Array(request.slice(0, SOCKMSG_BYTES).buffer))
    this.#replies.push(encodeMessage({ type, reqId, txId, body: toBytes(body) }))
    this.wake()
  }

  wake(): void {
    queueMicrotask(() => this.#handler?.())
  }

  send(source: Uint8Array): number {
    this.requests.push(source.slice())
    return source.length
  }

  receive(target: Uint8Array): number {
    if (this.#current.length === 0) {
      const next = this.#replies.shift() ?? this.#flood(this.sent++)
      if (next === undefined) return 0
      this.#current = next
    }
    const count = Math.min(target.length, this.#current.length)
    target.set(this.#current.subarray(0, count))
    this.#current = this.#current.subarray(count)
    return count
  }

  onReady(handler: () => void): void {
    this.#handler = handler
    this.wake()
  }

  close(): void {
    this.closed = true
  }
}

/** Two seconds' work, on a machine that has other work too. */
const PATIENCE_MS = 120_000

describe('S8: a flood of 10⁶ events at a stalled reader', () => {
  const flood = async (events: (token: string) => (index: number) => Uint8Array) => {
    let event: ((index: number) => Uint8Array) | undefined
    const channel = new FloodingChannel((index) => (index < 1_000_000 ? event?.(index) : undefined))
    const client = new XenStoreClient(channel)
    const opening = client.watch('device')
    channel.reply(channel.requests[0]!, 'OK\0')
    const watch = await opening
    event = events(watch.token)
    channel.sent = 0
    const read = client.read('a')
    channel.reply(channel.requests[1]!, 'value')
    expect(await read).toBe('value')
    while (channel.sent <= 1_000_000) await settle()
    const seen: string[] = []
    void (async () => {
      for await (const changed of watch) seen.push(changed)
    })()
    await settle()
    return seen
  }

  it(
    'of one path is one event',
    async () => {
      const one = (token: string) => {
        const message = eventMessage('device/a', token)
        return () => message
      }
      expect(await flood(one)).toEqual(['device/a'])
    },
    PATIENCE_MS,
  )

  it(
    'of as many paths is at most 1024, and "look at all of it"',
    async () => {
      const seen = await flood(numberedEvents)
      expect(seen.length).toBeLessThanOrEqual(1024)
      expect(seen).toContain('device')
      expect(seen.at(-1)).toBe('device/999999')
    },
    PATIENCE_MS,
  )
})

it('S4: a flood is handled in turns of 64 messages, with others’ turns in between', async () => {
  const clock = new ManualClock()
  const channel = new FloodingChannel(() => eventMessage('a', 'nobody’s'))
  const client = new XenStoreClient(channel, { clock })
  await settle()
  expect([channel.sent, clock.waits]).toEqual([64, [0]])
  clock.pass(0)
  await settle()
  expect(channel.sent).toBe(128)
  client.close()
  clock.pass(0)
  await settle()
  expect(channel.sent).toBe(128)
})

describe('S1: a header that announces more than 4096 bytes', () => {
  for (const length of [PAYLOAD_MAX_BYTES + 1, 2 ** 31, 2 ** 32 - 1])
    it(`${length}: ends the connection, and nothing is reserved for them`, async () => {
      const world = await Succession.open()
      const { client } = world
      const write = client.write('a', '')
      const read = client.read('b')
      await settle()
      const header = xsdSockmsg.create({ type: XenStoreOp.Read, reqId: 2, txId: 0, len: length })
      world.server.channel.send(new Uint8Array(header.buffer))
      await expect(write).rejects.toMatchObject({ code: 'CLOSED' })
      world.answer = (request, server) => server.reply(request, 'value')
      await world.retry()
      expect(await read).toBe('value')
      expect(world.servers.length).toBe(2)
    })
})

it('S9: whatever messages come, each request has one outcome, and an honest server is heard after them', async () => {
  const message = fc.record({
    type: fc.oneof(fc.nat(30), fc.constant(0xffff)),
    reqId: fc.oneof(fc.nat(6), fc.constant(0xffff_ffff)),
    txId: fc.nat(3),
    body: fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.constantFrom('OK\0', 'ENOENT\0', 'EAGAIN\0', '5\0', '1\0a\0\0', 'device\x001\0', '').map(toBytes),
    ),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(message, { maxLength: 40 }), async (messages: Message[]) => {
      const [near, far] = channelPair(65536)
      const client = new XenStoreClient(near)
      const server = new ScriptedServer(far)
      const control = new AbortController()
      const calls = [
        client.read('a', control),
        client.directory('b', control),
        client.getPermissions('c', control),
        client.watch('d', control),
        client.transaction((t) => t.write('e', ''), control),
      ]
      const outcomes = Promise.allSettled(calls)
      await settle()
      for (const each of messages) server.push(each)
      await settle()
      control.abort(new Error('mine'))
      expect((await outcomes).length).toBe(calls.length)
      server.answer = (request) => {
        const start = request.type === XenStoreOp.TransactionStart
        server.reply(request, start ? '77\0' : unpackTexts(request.body)![0]!)
      }
      expect(await client.read('honest')).toBe('honest')
      expect(await client.transaction((t) => t.read('inside'))).toBe('inside')
    }),
    { numRuns: 150 },
  )
})
