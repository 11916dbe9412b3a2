import { ARM_ABI, BlkifOp, BlkifStatus, segmentLayout, X86_32_ABI, X86_64_ABI } from '@split-driver/blkif'
import { describe, expect, test } from 'vitest'
import { type EngineBenchOptions, engineBench, patternDisk } from '../fakes/engine-bench.js'
import type { RawSegment } from '../fakes/raw-frontend.js'

const { Read, Write, WriteBarrier, FlushDiskcache, Discard, Indirect } = BlkifOp
const MOST = 1024
const SECTORS = MOST * 8

/** Of megabytes, for which a matcher takes its time. */
const isSame = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0

/** A guest with pages for the largest request, and a way to send one. */
const indirectBench = (options: EngineBenchOptions = {}) => {
  const bench = engineBench({
    maxIndirectSegments: MOST,
    guestPages: MOST + 16,
    disk: patternDisk(SECTORS),
    ...options,
  })
  const { abi = X86_64_ABI } = options
  const data = bench.pages(MOST)
  const descriptorPages = bench.pages(8)
  /** Writes the segments into descriptor pages and sends the request that names them. */
  const send = (
    operation: number,
    segments: readonly RawSegment[],
    { sector = 0n, count = segments.length, id = 5n, grefs = descriptorPages.map(({ gref }) => gref) } = {},
  ): void => {
    segments.forEach((segment, i) => {
      const words = segmentLayout.create(segment)
      const page = bench.page(descriptorPages[Math.floor(i / 512)]!.gref)
      page.set(new Uint8Array(words.buffer), (i % 512) * segmentLayout.bytes)
    })
    bench.frontend.sendWords(
      abi.indirect.create({
        operation: Indirect,
        indirect_op: operation,
        nr_segments: count,
        id,
        sector_number: sector,
        handle: 51712,
        indirect_grefs: grefs.map((gref) => ({ gref })),
      }),
    )
  }
  const serve = () => {
    bench.engine.serve(100)
    return bench.frontend.responses()
  }
  return { ...bench, data, send, serve, descriptorPages }
}

describe.each([X86_64_ABI, X86_32_ABI, ARM_ABI])('rule 15: indirect requests in $protocol', (abi) => {
  test.each([1, 11, 12, 256, 511, 512, 513, MOST])('%i segments are read and written', (count) => {
    const { send, serve, data, page, disk, grants, stats } = indirectBench({ abi })
    send(Read, data.slice(0, count), { id: 0xfedcba9876543210n })
    // Rule 12: the response bears the operation that was carried out, not 6.
    expect(serve()).toEqual([{ id: 0xfedcba9876543210n, operation: Read, status: BlkifStatus.Okay }])
    for (const i of [0, count - 1])
      expect(isSame(page(data[i]!.gref), disk.subarray(i * 4096, (i + 1) * 4096))).toBe(true)

    const last = page(data[count - 1]!.gref).fill(0xee)
    send(Write, data.slice(0, count))
    expect(serve()).toEqual([{ id: 5n, operation: Write, status: BlkifStatus.Okay }])
    expect(isSame(disk.subarray((count - 1) * 4096, count * 4096), last)).toBe(true)
    expect(grants.live.size, 'mappings left').toBe(0)
    expect(stats).toMatchObject({ reads: 1, writes: 1, indirect: 2 })
  })
})

describe('an indirect request that must be refused is answered with error, and touches nothing', () => {
  const CASES = [
    { name: 'rule 16: a barrier in it', operation: WriteBarrier, count: 12 },
    { name: 'rule 16: a flush in it', operation: FlushDiskcache, count: 12 },
    { name: 'rule 16: a discard in it', operation: Discard, count: 12 },
    { name: 'rule 16: an indirect request in it', operation: Indirect, count: 12 },
    { name: 'rule 17: no segments', operation: Read, count: 0 },
    { name: 'rule 16: one more than was offered', operation: Read, count: MOST + 1 },
    { name: 'rule 20: 65535 segments', operation: Write, count: 65_535 },
    { name: 'rule 19: an end beyond the disk', operation: Write, count: 12, sector: BigInt(SECTORS - 95) },
    { name: 'rule 18: a segment that ends in the next page', operation: Write, count: 12, last_sect: 8 },
    { name: 'G1: a descriptor page that was not granted', operation: Write, count: 12, gref: 0xffff_ffff },
  ]
  test.each(CASES)('$name', ({ operation, count, sector, last_sect = 7, gref }) => {
    const { send, serve, data, disk, grants } = indirectBench()
    const before = disk.slice()
    const segments = data.slice(0, 12).map((segment) => ({ ...segment, last_sect }))
    send(operation, segments, { count, ...(sector && { sector }), ...(gref && { grefs: [gref] }) })
    expect(serve()).toEqual([{ id: 5n, operation, status: BlkifStatus.Error }])
    expect(isSame(disk, before), 'the disk is unchanged').toBe(true)
    expect(grants.live.size).toBe(0)
  })

  test('B1: any data page that cannot be mapped, with every mapping undone', () => {
    const { send, serve, data, grants, disk } = indirectBench()
    const before = disk.slice()
    const segments = data.slice(0, 20).map((segment, i) => (i === 19 ? { ...segment, gref: 0xffff_fff0 } : segment))
    send(Write, segments)
    expect(serve()).toMatchObject([{ status: BlkifStatus.Error }])
    expect(grants.live.size).toBe(0)
    expect(isSame(disk, before), 'the disk is unchanged').toBe(true)
  })
})

test('rule 20: a count that is none makes nothing be fetched beyond the slot', () => {
  const { send, serve, data, frontend } = indirectBench()
  const ends: number[] = []
  const copyOut = frontend.memory.copyOut.bind(frontend.memory)
  frontend.memory.copyOut = (word, count, target, at) => {
    ends.push(at + count)
    copyOut(word, count, target, at)
  }
  send(Read, data.slice(0, 1), { count: 65_535 })
  expect(serve()).toMatchObject([{ status: BlkifStatus.Error }])
  expect(Math.max(...ends)).toBeLessThanOrEqual(X86_64_ABI.indirect.words)
})

test('R1: what the guest writes into descriptor pages after they were copied has no effect', () => {
  const { send, frontend, engine, data, descriptorPages, page, disk } = indirectBench({
    store: (inner) => ({
      byteLength: inner.byteLength,
      sectorBytes: 512,
      readOnly: false,
      read: (position, targets) => inner.read(position, targets),
      write: (position, sources) => {
        page(descriptorPages[0]!.gref).fill(0xff)
        inner.write(position, sources)
      },
      flush: () => undefined,
      [Symbol.asyncDispose]: async () => undefined,
    }),
  })
  data.slice(0, 20).forEach(({ gref }, i) => {
    page(gref).fill(i + 1)
  })
  send(Write, data.slice(0, 20))
  engine.serve(100)
  expect(frontend.responses()).toMatchObject([{ status: BlkifStatus.Okay }])
  expect(Array.from({ length: 20 }, (_, i) => disk[i * 4096])).toEqual(Array.from({ length: 20 }, (_, i) => i + 1))
})

test('rule 28: where none were offered they are not supported', () => {
  const { send, serve, data } = indirectBench({ maxIndirectSegments: 0 })
  send(Read, data.slice(0, 12))
  expect(serve()).toEqual([{ id: 5n, operation: Indirect, status: BlkifStatus.NotSupported }])
})

test('B3: a read-only disk is read by them, and not written', () => {
  const { send, serve, data, disk } = indirectBench({ readOnly: true })
  const before = disk.slice()
  send(Read, data.slice(0, 12))
  send(Write, data.slice(0, 12))
  expect(serve()).toMatchObject([{ status: BlkifStatus.Okay }, { status: BlkifStatus.Error }])
  expect(isSame(disk, before), 'the disk is unchanged').toBe(true)
})
