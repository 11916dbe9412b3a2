import { describe, expect, test } from 'vitest'
import { nbdDiskBench, outcome, sector, settle } from '../fakes/nbd-disk-bench.js'
import { ALL_FLAGS } from '../fakes/nbd-server.js'

const HOUR = 3_600_000

describe('a connection that is lost', () => {
  test('is made anew, and what had no answer is sent again', async () => {
    await using bench = await nbdDiskBench()
    const { server, disk } = bench
    server.onRequest = (_request, side) => {
      server.onRequest = undefined
      side.drop()
      return true
    }
    const target = sector(0)
    await Promise.all([disk.write(1024, [sector(9)]), disk.read(512, [target]), disk.flush()])
    expect(target[0]).toBe(1)
    expect(server.bytes[1024]).toBe(9)
    expect(bench.lost).toEqual(['EIO: the NBD connection broke: the server ended it', 'back'])
  })

  test('in the middle of a reply is lost like any other', async () => {
    await using bench = await nbdDiskBench()
    const { server, disk } = bench
    server.structured = false
    for (const side of [...server.sides]) side.drop()
    await settle()
    server.onRequest = (request, side) => {
      server.onRequest = undefined
      side.send(
        Buffer.from('6744669800000000', 'hex'),
        request.cookie === 0n ? Buffer.alloc(8) : [],
        sector(0xbb).subarray(9),
      )
      side.drop()
      return true
    }
    const target = sector(0)
    const read = disk.read(512, [target])
    await settle()
    bench.clock.advance(100)
    await read
    expect(Buffer.compare(target, sector(1))).toBe(0)
    expect(server.dials).toBe(3)
  })

  test('of a server that restarts: what it had acknowledged and forgotten is written anew, in order, before anything else', async () => {
    await using bench = await nbdDiskBench()
    const { server, disk } = bench
    await disk.write(0, [sector(1)])
    await disk.flush()
    await disk.write(512, [sector(2)])
    await disk.write(512, [sector(3)])
    await disk.writeZeroes!(1024, 512)
    await disk.write(1024 + 512, [sector(4, 2)])
    server.crash()
    expect(server.bytes[512]).toBe(1)
    server.seen.length = 0
    const target = sector(0, 5)
    await disk.read(0, [target])
    expect([0, 512, 1024, 1536, 2048].map((at) => target[at])).toEqual([1, 3, 0, 4, 4])
    expect(server.seen.map(({ command, position }) => [command, position])).toEqual([
      [1, 512],
      [1, 512],
      [6, 1024],
      [1, 1536],
      [0, 0],
    ])
    expect(server.durable[512]).toBe(1)
    await disk.flush()
    expect(server.durable[512]).toBe(3)
  })

  test('after a flush there is nothing to write anew', async () => {
    await using bench = await nbdDiskBench()
    const { server, disk } = bench
    await disk.write(512, [sector(2)])
    await disk.flush()
    server.crash()
    server.seen.length = 0
    await disk.read(0, [sector(0)])
    expect(server.seen.length).toBe(1)
  })

  test('during a flush: what it was to cover is written anew, and the flush is done by the new connection', async () => {
    await using bench = await nbdDiskBench()
    const { server, disk } = bench
    await disk.write(512, [sector(2)])
    server.onRequest = () => {
      server.onRequest = undefined
      server.crash()
      return true
    }
    await disk.flush()
    expect(server.durable[512]).toBe(2)
  })

  test('a write that came after a flush had been sent is not covered by it', async () => {
    await using bench = await nbdDiskBench()
    const { server, disk } = bench
    let flush = (): void => undefined
    server.onRequest = (request, side) => {
      if (request.command !== 3) return false
      const durable = Buffer.from(server.bytes)
      flush = () => {
        server.durable = durable
        server.reply(request, side)
      }
      return true
    }
    const flushed = disk.flush()
    await settle()
    await disk.write(512, [sector(2)])
    flush()
    await flushed
    server.onRequest = undefined
    server.crash()
    const target = sector(0)
    await disk.read(512, [target])
    expect(target[0]).toBe(2)
  })

  test('while it is written anew is made anew again', async () => {
    await using bench = await nbdDiskBench()
    const { server, disk, clock } = bench
    await disk.write(512, [sector(2)])
    server.onRequest = () => {
      server.onRequest = undefined
      server.crash()
      return true
    }
    server.crash()
    const target = sector(0)
    const read = disk.read(512, [target])
    await settle()
    clock.advance(100)
    await read
    expect([target[0], server.dials]).toEqual([2, 3])
  })

  test('is tried for at once, then after waits that grow to ten seconds, and no more than one at a time', async () => {
    await using bench = await nbdDiskBench({ patienceMs: HOUR })
    const { server, disk, clock } = bench
    server.away = true
    server.crash()
    await settle()
    expect(server.dials).toBe(2)
    const waits: number[] = []
    for (let since = 0, dials = server.dials; waits.length < 9; since += 100) {
      if (server.dials > dials) {
        waits.push(since)
        dials = server.dials
        since = 0
      }
      clock.advance(100)
      await new Promise(setImmediate)
    }
    expect(waits).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000])
    server.away = false
    const read = disk.read(512, [sector(0)])
    clock.advance(10_000)
    await read
  })

  test('for longer than requests wait: they fail with EIO, later ones at once, until there is one', async () => {
    await using bench = await nbdDiskBench({ patienceMs: 5000 })
    const { server, disk, clock } = bench
    await disk.write(512, [sector(2)])
    server.away = true
    server.crash()
    await settle()
    const early = outcome(disk.read(512, [sector(0)]))
    clock.advance(4999)
    await settle()
    expect(early.value).toBe('waits')
    clock.advance(1)
    await settle()
    expect(early.value).toBe(
      'EIO: the NBD server has been away for 5 s: EIO: the NBD connection broke: the server ended it',
    )
    await expect(disk.write(0, [sector(0)])).rejects.toThrow('has been away')
    await expect(disk.flush()).rejects.toMatchObject({ code: 'EIO' })
    server.away = false
    clock.advance(10_000)
    await settle()
    const target = sector(0)
    await disk.read(512, [target])
    expect(target[0]).toBe(2)
  })

  test('because of a request that the server cannot bear: that one fails in the end, and the others go on', async () => {
    await using bench = await nbdDiskBench({ patienceMs: 5000 })
    const { server, disk, clock } = bench
    server.onRequest = ({ position }, side) => {
      if (position === 512) side.drop()
      return position === 512
    }
    const bad = outcome(disk.read(512, [sector(0)]))
    for (let second = 0; second < 20; second++) {
      clock.advance(1000)
      await settle()
    }
    expect(bad.value).toBe('EIO: the NBD connection broke: the server ended it')
    await disk.read(0, [sector(0)])
    expect(server.dials).toBeLessThan(12)
  })

  test.each([
    ['smaller', { byteLength: 16384n }, 'with 16384 bytes in place of 32768'],
    ['read-only', { flags: ALL_FLAGS | 2 }, 'came back read-only'],
    ['without flush', { flags: ALL_FLAGS & ~4 }, 'without flush'],
    ['with larger blocks', { blockSizes: [4096, 4096, 2 ** 25] as const }, 'requests of 4096 to'],
  ])('leads to nothing while the export is another: %s', async (_what, change, message) => {
    await using bench = await nbdDiskBench({ patienceMs: 5000 })
    const { server, disk, clock } = bench
    const before = server.exports['']!
    server.exports[''] = { ...before, ...change }
    server.crash()
    await settle()
    const read = outcome(disk.read(0, [sector(0)]))
    clock.advance(5000)
    await settle()
    expect(read.value).toContain(message)
    server.exports[''] = before
    clock.advance(10_000)
    await settle()
    await disk.read(0, [sector(0)])
  })

  test('leads to nothing while what was acknowledged cannot be written anew', async () => {
    await using bench = await nbdDiskBench({ patienceMs: 5000 })
    const { server, disk, clock } = bench
    await disk.write(512, [sector(2)])
    server.onRequest = (request, side) => {
      server.reply(request, side, 28)
      return true
    }
    server.crash()
    await settle()
    const read = outcome(disk.read(512, [sector(0)]))
    clock.advance(5000)
    await settle()
    expect(read.value).toContain('failed a write of 512 bytes at 512 with error 28')
  })
})
