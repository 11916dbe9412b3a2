import { ARM_ABI, BlkifOp, BlkifStatus, X86_32_ABI, X86_64_ABI } from '@split-driver/blkif'
import { afterEach, describe, expect, test } from 'vitest'
import { type EngineBenchOptions, engineBench } from '../fakes/engine-bench.js'

const { Read, Write, FlushDiskcache, WriteBarrier } = BlkifOp
const OKAY = { status: BlkifStatus.Okay }
const ERROR = { status: BlkifStatus.Error }

const benches: ReturnType<typeof engineBench>[] = []
const bench = (options?: EngineBenchOptions) => {
  const made = engineBench(options)
  benches.push(made)
  return made
}

afterEach(() => {
  for (const { grants, storeErrors } of benches.splice(0)) {
    expect(grants.live.size, 'mappings left').toBe(0)
    expect(storeErrors).toEqual([])
  }
})

describe.each([X86_64_ABI, X86_32_ABI, ARM_ABI])('rule 13: requests in $protocol', (abi) => {
  test('a read fills exactly the sectors named, a write stores them, the response echoes id and operation', () => {
    const { frontend, engine, pages, page, disk } = bench({ abi })
    const [a, b] = pages(2)
    const seg = [
      { gref: a!.gref, first_sect: 2, last_sect: 7 },
      { gref: b!.gref, first_sect: 0, last_sect: 1 },
    ]
    const id = 0xfedcba9876543210n
    frontend.send({ operation: Read, id, sector_number: 10n, seg })
    expect(engine.serve(100)).toBe('idle')
    expect(frontend.responses()).toEqual([{ id, operation: Read, ...OKAY }])
    const sectorsOf = (gref: number) => Array.from({ length: 8 }, (_, i) => page(gref)[i * 512])
    expect(sectorsOf(a!.gref)).toEqual([0, 0, 11, 12, 13, 14, 15, 16])
    expect(sectorsOf(b!.gref)).toEqual([17, 18, 0, 0, 0, 0, 0, 0])

    frontend.send({ operation: Write, id: 1n, sector_number: 100n, seg })
    engine.serve(100)
    expect(frontend.responses()).toEqual([{ id: 1n, operation: Write, ...OKAY }])
    expect(disk.slice(100 * 512, 108 * 512)).toEqual(disk.slice(10 * 512, 18 * 512))
    expect([disk[99 * 512], disk[108 * 512]]).toEqual([100, 109])
  })
})

test('rule 16: 1 to 11 segments are served', () => {
  const { frontend, engine, pages } = bench()
  const all = pages(11)
  for (let count = 1; count <= 11; count++) {
    frontend.send({ operation: Read, id: BigInt(count), seg: all.slice(0, count) })
    engine.serve(100)
    expect(frontend.responses()).toEqual([{ id: BigInt(count), operation: Read, ...OKAY }])
  }
})

test('rule 21: a disk read maps writable, a disk write read-only; rule 23: unmapped before the response', () => {
  const { frontend, engine, pages, grants } = bench()
  frontend.send({ operation: Read, seg: pages(2) }, { operation: Write, seg: pages(3) })
  engine.serve(100)
  expect(grants.made).toEqual([
    { access: 'writable', pages: 2 },
    { access: 'read-only', pages: 3 },
  ])
  expect(grants.live.size).toBe(0)
})

test('rule 23: no page is mapped any more when its response is written', () => {
  const { frontend, engine, pages, grants } = bench()
  const mapped: number[] = []
  const store8 = frontend.memory.store8.bind(frontend.memory)
  frontend.memory.store8 = (byte, value) => {
    mapped.push(grants.live.size)
    store8(byte, value)
  }
  frontend.send({ operation: Read, seg: pages(2) }, { operation: Write, seg: pages(3) })
  engine.serve(100)
  expect(mapped).toEqual([0, 0])
})

describe('a request that must be refused is answered with error, and touches nothing', () => {
  const seg = { first_sect: 0, last_sect: 7 }
  const REFUSED = [
    { name: 'rule 17: a read without segments', operation: Read, count: 0 },
    { name: 'rule 17: a write without segments', operation: Write, count: 0 },
    { name: 'rule 16: 12 segments', operation: Read, count: 11, nr_segments: 12 },
    { name: 'rule 20: 255 segments', operation: Write, count: 11, nr_segments: 255 },
    { name: 'rule 18: first beyond last', operation: Write, count: 1, seg: { first_sect: 5, last_sect: 4 } },
    { name: 'rule 18: last is 8', operation: Read, count: 1, seg: { first_sect: 0, last_sect: 8 } },
    { name: 'rule 18: both 255', operation: Read, count: 1, seg: { first_sect: 255, last_sect: 255 } },
    { name: 'rule 19: one sector beyond the end', operation: Read, count: 1, sector_number: 121n },
    { name: 'rule 19: at the end', operation: Write, count: 1, sector_number: 128n },
    { name: 'rule 19: 2⁵³ − 1', operation: Write, count: 1, sector_number: 2n ** 53n - 1n },
    { name: 'rule 19: 2⁵³', operation: Write, count: 1, sector_number: 2n ** 53n },
    { name: 'rule 19: 2⁶³', operation: Write, count: 1, sector_number: 2n ** 63n },
    { name: 'rule 19: an end that wraps to 0', operation: Write, count: 1, sector_number: 2n ** 64n - 8n },
    { name: 'rule 19: 2³², which is 0 in 32 bits', operation: Write, count: 1, sector_number: 2n ** 32n },
    { name: 'G1: a reference out of range', operation: Read, count: 1, gref: 0xffff_ffff },
  ]
  test.each(REFUSED)('$name', ({ operation, count, sector_number = 0n, ...bad }) => {
    const { frontend, engine, pages, disk, stats, grants } = bench()
    const before = disk.slice()
    const named = pages(11)
      .slice(0, count)
      .map((page) => ({ ...page, ...seg, ...bad.seg, ...('gref' in bad ? { gref: bad.gref! } : {}) }))
    const nr_segments = bad.nr_segments ?? count
    frontend.send({ operation, id: 7n, sector_number, seg: named, nr_segments })
    expect(engine.serve(100)).toBe('idle')
    expect(frontend.responses()).toEqual([{ id: 7n, operation, ...ERROR }])
    expect(disk).toEqual(before)
    expect(stats.errors).toBe(1)
    expect(grants.attempts, 'mappings tried').toBe('gref' in bad ? 1 : 0)
  })
})

test('rule 19: with a sector size of 4096 a request begins and ends at a multiple of it', () => {
  const { frontend, engine, pages } = bench({ sectorBytes: 4096 })
  const [page] = pages(1)
  frontend.send(
    { operation: Read, id: 1n, sector_number: 8n, seg: [page!] },
    { operation: Read, id: 2n, sector_number: 4n, seg: [page!] },
    { operation: Read, id: 3n, sector_number: 8n, seg: [{ ...page!, last_sect: 3 }] },
  )
  engine.serve(100)
  expect(frontend.responses().map(({ status }) => status)).toEqual([0, -1, -1])
})

test('rules 14, 15, 28: discard, indirect and unknown operations are not supported, with the id from its place', () => {
  for (const abi of [X86_64_ABI, X86_32_ABI]) {
    const { frontend, engine, stats } = bench({ abi })
    const operations = [BlkifOp.Reserved1, BlkifOp.Discard, BlkifOp.Indirect, 7, 128, 255]
    frontend.send(...operations.map((operation, i) => ({ operation, id: BigInt(i) + 2n ** 63n, nr_segments: 255 })))
    engine.serve(100)
    expect(frontend.responses()).toEqual(
      operations.map((operation, i) => ({ id: BigInt(i) + 2n ** 63n, operation, status: BlkifStatus.NotSupported })),
    )
    expect(stats).toMatchObject({ discards: 1, others: 5, notSupported: 6 })
  }
})

describe('B3: a read-only disk', () => {
  test('is read and flushed; writes, barriers and flushes with data are refused, the image unchanged', () => {
    const { frontend, engine, pages, disk, grants } = bench({ readOnly: true })
    const before = disk.slice()
    const seg = pages(1)
    frontend.send(
      { operation: Read, seg },
      { operation: Write, seg },
      { operation: WriteBarrier, seg },
      { operation: FlushDiskcache, seg },
      { operation: FlushDiskcache },
      { operation: WriteBarrier },
    )
    engine.serve(100)
    expect(frontend.responses().map(({ status }) => status)).toEqual([0, -1, -1, -1, 0, 0])
    expect(disk).toEqual(before)
    expect(grants.made.length).toBe(1)
  })
})

describe('rule 8 and ring.h: batches', () => {
  test('one pass publishes once and wakes the frontend once', () => {
    const { frontend, engine, pages, notifications, stats } = bench()
    const seg = pages(1)
    frontend.send(...Array.from({ length: 32 }, (_, i) => ({ operation: Read, id: BigInt(i), seg })))
    expect(engine.serve(1000)).toBe('idle')
    expect(notifications()).toBe(1)
    expect(stats).toMatchObject({ reads: 32, notificationsSent: 1, notificationsSaved: 0, bytesRead: 32 * 4096 })
    expect(frontend.responses().length).toBe(32)
  })

  test('the frontend is not woken when it did not ask to be', () => {
    const { frontend, engine, pages, notifications, stats } = bench()
    const seg = pages(1)
    frontend.send({ operation: Read, seg })
    engine.serve(100)
    frontend.send({ operation: Read, seg })
    engine.serve(100)
    expect(notifications()).toBe(1)
    expect(stats).toMatchObject({ notificationsSent: 1, notificationsSaved: 1 })
  })

  test('a pass takes no more than its limit, and says that more waits', () => {
    const { frontend, engine, pages } = bench()
    const seg = pages(1)
    frontend.send(...Array.from({ length: 10 }, (_, i) => ({ operation: Read, id: BigInt(i), seg })))
    expect(engine.serve(4)).toBe('more')
    expect(frontend.responses().length).toBe(4)
    expect(engine.serve(100)).toBe('idle')
    expect(frontend.responses().length).toBe(6)
  })

  test('the ring wraps 2³² and more pages have more slots', () => {
    const { frontend, engine, pages } = bench({ ringPages: 16 })
    expect(frontend.ring.ringSize).toBe(512)
    const seg = pages(1)
    for (let round = 0; round < 5; round++) {
      frontend.send(...Array.from({ length: 300 }, (_, i) => ({ operation: Read, id: BigInt(i), seg })))
      engine.serve(1000)
      expect(frontend.responses().map(({ id }) => Number(id))).toEqual(Array.from({ length: 300 }, (_, i) => i))
    }
  })
})

describe('neighbouring segments', () => {
  test('that lie side by side in memory are one view; B7: nothing between others is touched', () => {
    const seen: number[][] = []
    const { frontend, engine, pages } = bench({
      store: (inner) => ({
        byteLength: inner.byteLength,
        sectorBytes: 512,
        readOnly: false,
        read: (position, targets) => {
          seen.push(targets.map((view) => view.length))
          inner.read(position, targets)
        },
        write: () => undefined,
        flush: () => undefined,
        [Symbol.asyncDispose]: async () => undefined,
      }),
    })
    const [a, b, c, d] = pages(4)
    const whole = [a!, b!, c!]
    const holes = [{ ...a!, last_sect: 6 }, b!, { ...d!, first_sect: 0 }, c!]
    frontend.send({ operation: Read, seg: whole }, { operation: Read, seg: holes })
    engine.serve(100)
    expect(seen).toEqual([[12288], [3584, 4096, 4096, 4096]])
  })
})
