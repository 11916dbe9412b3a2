import { describe, expect, test } from 'vitest'
import { nbdDiskBench, outcome, sector, settle } from '../fakes/nbd-disk-bench.js'
import { chunk, type SeenRequest, type ServerSide, simpleReply, u16, u32, u64 } from '../fakes/nbd-server.js'

const data = (position: number, bytes: Uint8Array): Buffer => Buffer.concat([u64(position), bytes])
const hole = (position: number, length: number): Buffer => Buffer.concat([u64(position), u32(length)])
const errorOf = (code: number, message = '', rest: Uint8Array = new Uint8Array(0)): Buffer =>
  Buffer.concat([u32(code), u16(message.length), Buffer.from(message), rest])

type Answer = (request: SeenRequest) => Uint8Array[]

/** Takes over the first request; what comes later is served as it should be. */
const once = (answer: Answer) => {
  let done = false
  return (request: SeenRequest, side: ServerSide): boolean => {
    if (done) return false
    done = true
    side.send(...answer(request))
    return true
  }
}

describe('replies to a read', () => {
  test.each<[string, Answer]>([
    ['in one chunk', ({ cookie }) => [chunk(cookie, 1, 1, data(512, sector(9, 2)))]],
    [
      'in pieces, from the end',
      ({ cookie }) => [
        chunk(cookie, 0, 1, data(1024, sector(9))),
        chunk(cookie, 0, 1, data(512, sector(9).subarray(0, 100))),
        chunk(cookie, 1, 1, data(612, sector(9).subarray(100))),
      ],
    ],
    [
      'with an end of its own',
      ({ cookie }) => [chunk(cookie, 0, 1, data(512, sector(9, 2))), chunk(cookie, 1, 0, new Uint8Array(0))],
    ],
  ])('are put together: %s', async (_what, answer) => {
    await using bench = await nbdDiskBench()
    bench.server.onRequest = once(answer)
    const views = [sector(0xee).subarray(0, 300), sector(0xee).subarray(0, 212), sector(0xee)]
    await bench.disk.read(512, views)
    expect(Buffer.concat(views).equals(sector(9, 2))).toBe(true)
  })

  test('may have holes, which are zeros', async () => {
    await using bench = await nbdDiskBench()
    bench.server.onRequest = once(({ cookie }) => [
      chunk(cookie, 0, 2, hole(1024, 512)),
      chunk(cookie, 1, 1, data(512, sector(9))),
    ])
    const target = sector(0xee, 2)
    await bench.disk.read(512, [target])
    expect(Buffer.from(target).equals(Buffer.concat([sector(9), sector(0)]))).toBe(true)
  })

  test('may come in any order', async () => {
    await using bench = await nbdDiskBench()
    const held: (() => void)[] = []
    bench.server.onRequest = (request, side) => held.push(() => bench.server.carryOut(request, side)) > 0
    const targets = [sector(0), sector(0), sector(0)]
    const reads = targets.map((target, i) => bench.disk.read(512 * (i + 1), [target]))
    await settle()
    for (const answer of held.reverse()) answer()
    await Promise.all(reads)
    expect(targets.map(([byte]) => byte)).toEqual([1, 2, 3])
  })

  test.each<[string, string, Answer]>([
    ['a simple error', 'EIO', ({ cookie }) => [chunk(cookie, 1, 0x8001, errorOf(5))]],
    [
      'with the words of the server',
      'bad sector',
      ({ cookie }) => [chunk(cookie, 1, 0x8001, errorOf(5, 'bad sector'))],
    ],
    [
      'at a position, after data',
      'ENOSPC',
      ({ cookie }) => [
        chunk(cookie, 0, 1, data(512, sector(1))),
        chunk(cookie, 0, 0x8002, errorOf(28, 'x', u64(1024))),
        chunk(cookie, 1, 0, new Uint8Array(0)),
      ],
    ],
    ['of a kind that nobody knows', 'EINVAL', ({ cookie }) => [chunk(cookie, 1, 0x8fff, errorOf(99, '', u64(3)))]],
  ])('may be errors, and the connection goes on: %s', async (_what, message, answer) => {
    await using bench = await nbdDiskBench()
    bench.server.onRequest = once(answer)
    await expect(bench.disk.read(512, [sector(0, 2)])).rejects.toThrow(message)
    await bench.disk.read(512, [sector(0)])
    expect(bench.server.dials).toBe(1)
  })
})

describe('a server that breaks the protocol', () => {
  test.each<[string, string, Answer]>([
    ['answers a request that there is not', 'a reply to 12345', () => [simpleReply(12345n, 0)]],
    ['answers under a cookie of 2⁶⁴ − 1', 'which is no request', () => [simpleReply(2n ** 64n - 1n, 0)]],
    ['begins a reply with other bytes', '0x00000000', () => [new Uint8Array(16)]],
    ['answers a read the simple way', 'simple reply to a read', ({ cookie }) => [simpleReply(cookie, 0), sector(1, 2)]],
    ['sends data before the range', '512 bytes at 0', ({ cookie }) => [chunk(cookie, 1, 1, data(0, sector(1)))]],
    [
      'sends data past the range',
      '1024 bytes at 1024',
      ({ cookie }) => [chunk(cookie, 1, 1, data(1024, sector(1, 2)))],
    ],
    ['sends 4 GiB', '4294967287 bytes at 512', ({ cookie }) => [chunk(cookie, 1, 1, u64(512)).fill(0xff, 16, 20)]],
    [
      'sends a position of 2⁶³',
      'bytes at 9223372036854776000',
      ({ cookie }) => [chunk(cookie, 1, 2, Buffer.concat([u64(2n ** 63n), u32(512)]))],
    ],
    [
      'sends bytes twice',
      '512 bytes at 600',
      ({ cookie }) => [chunk(cookie, 0, 1, data(512, sector(1))), chunk(cookie, 1, 1, data(600, sector(1)))],
    ],
    [
      'sends a hole where data was',
      '1024 bytes at 512',
      ({ cookie }) => [chunk(cookie, 0, 1, data(512, sector(1))), chunk(cookie, 1, 2, hole(512, 1024))],
    ],
    ['sends a hole of nothing', '0 bytes at 512', ({ cookie }) => [chunk(cookie, 1, 2, hole(512, 0))]],
    ['ends a read before its end', 'lacks some', ({ cookie }) => [chunk(cookie, 1, 1, data(512, sector(1)))]],
    ['ends a read with nothing', 'lacks some', ({ cookie }) => [chunk(cookie, 1, 0, new Uint8Array(0))]],
    ['sends data without a position', 'a chunk of data with 8 bytes', ({ cookie }) => [chunk(cookie, 1, 1, u64(512))]],
    ['sends a hole of another length', 'told in 8 bytes', ({ cookie }) => [chunk(cookie, 1, 2, u64(512))]],
    ['sends an empty chunk that is not the last', 'type 0', ({ cookie }) => [chunk(cookie, 0, 0, new Uint8Array(0))]],
    ['sends a chunk of another kind', 'type 5', ({ cookie }) => [chunk(cookie, 1, 5, u32(1))]],
    [
      'tells an error of 1 MiB',
      'told in 1048576 bytes',
      ({ cookie }) => [chunk(cookie, 1, 0x8001, new Uint8Array(2 ** 20))],
    ],
    ['tells an error that is none', 'an error that is none', ({ cookie }) => [chunk(cookie, 1, 0x8001, errorOf(0))]],
    [
      'tells a message longer than itself',
      'an error that is none',
      ({ cookie }) => [chunk(cookie, 1, 0x8001, Buffer.concat([u32(5), u16(9)]))],
    ],
    [
      'answers in crumbs',
      'bytes at',
      ({ cookie }) => Array.from({ length: 512 }, (_, i) => chunk(cookie, 0, 1, data(512 + 2 * i, Uint8Array.of(1)))),
    ],
  ])('%s: EIO tells it, nothing beside is touched, and the next connection serves', async (_what, message, answer) => {
    await using bench = await nbdDiskBench()
    bench.server.onRequest = once(answer)
    const memory = sector(0xee, 4)
    const failed = bench.disk.read(512, [memory.subarray(512, 1024), memory.subarray(1024, 1536)])
    await expect(failed).rejects.toMatchObject({ code: 'EIO', message: expect.stringContaining(message) })
    await expect(failed).rejects.toThrow('the NBD server broke the protocol')
    expect([...memory.subarray(0, 512), ...memory.subarray(1536)].every((byte) => byte === 0xee)).toBe(true)
    const target = sector(0)
    await bench.disk.read(1024, [target])
    expect(target[0]).toBe(2)
    expect(bench.server.dials).toBe(2)
  })

  test('answers a write with data', async () => {
    await using bench = await nbdDiskBench()
    bench.server.onRequest = once(({ cookie }) => [chunk(cookie, 1, 1, data(512, sector(1)))])
    await expect(bench.disk.write(512, [sector(3)])).rejects.toThrow('type 1 with 520 bytes in reply to a request 1')
  })

  test('answers twice', async () => {
    await using bench = await nbdDiskBench()
    bench.server.onRequest = once(({ cookie }) => [simpleReply(cookie, 0), simpleReply(cookie, 0)])
    await bench.disk.write(512, [sector(3)])
    await settle()
    expect(bench.lost).toEqual([expect.stringContaining('which is no request that waits'), 'back'])
  })

  test('answers a write before it was sent: its memory is not given back until it was', async () => {
    await using bench = await nbdDiskBench({}, (server) => {
      const { dial } = server
      // Hands the request over at once, and tells only later that nothing reads it any more.
      Object.assign(server, {
        dial: async (receiver: Parameters<typeof dial>[0]) => {
          const stream = await dial(receiver)
          const write = stream.write.bind(stream)
          stream.write = (pieces, onSent) => write(pieces, () => sent.push(onSent))
          return stream
        },
      })
    })
    const written = outcome(bench.disk.write(512, [sector(3)]))
    await settle()
    expect([bench.server.seen.length, written.value]).toEqual([1, 'waits'])
    for (const onSent of sent) onSent()
    await settle()
    expect(written.value).toBe('done')
  })
})

const sent: (() => void)[] = []
