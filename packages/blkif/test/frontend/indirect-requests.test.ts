import { BlkifOp, X86_32_ABI, X86_64_ABI } from '@split-driver/blkif'
import { describe, expect, test } from 'vitest'
import { frontendBench } from '../fakes/frontend-bench.js'

const { Read, Write, Indirect } = BlkifOp
const PAGE = 4096

const bytesOf = (length: number) => Uint8Array.from({ length }, (_, i) => (i * 7) ^ (i >> 9))

describe.each([X86_64_ABI, X86_32_ABI])('rule 15: in $protocol', (abi) => {
  test('more than 11 segments are told in a page of descriptors', async () => {
    const { engine, indirectRequests, respond, grants, stats } = frontendBench({ abi, maxSegments: 32 })
    const source = bytesOf(20 * PAGE + 1536)
    const written = engine.transfer({ operation: Write, sectorNumber: 9, buffers: [source], byteLength: source.length })
    const [request] = indirectRequests()
    expect(request).toMatchObject({
      operation: Indirect,
      indirect_op: Write,
      nr_segments: 21,
      handle: 0xca00,
      sector_number: 9n,
    })
    const { seg } = request!
    expect(seg.map(({ first_sect, last_sect }) => [first_sect, last_sect])).toEqual([...Array(20).fill([0, 7]), [0, 2]])
    const seen = Buffer.concat(seg.map(({ gref }) => grants.pageBytes(gref))).subarray(0, source.length)
    expect(Buffer.compare(seen, source)).toBe(0)
    expect(new Set([...seg, ...request!.indirect_grefs.slice(0, 1)].map(({ gref }) => gref)).size).toBe(22)
    // Rule 12: what is answered is the operation inside.
    respond({ id: request!.id, operation: Write, status: 0 })
    expect(engine.drain()).toBeUndefined()
    await written
    expect(stats).toMatchObject({ writes: 1, indirect: 1, bytesWritten: source.length })
  })
})

test('a response that echoes the indirect operation answers nothing that was asked (R4)', () => {
  const { engine, indirectRequests, respond } = frontendBench({ maxSegments: 32 })
  const target = new Uint8Array(12 * PAGE)
  engine.transfer({ operation: Read, sectorNumber: 0, buffers: [target], byteLength: target.length }).catch(() => {})
  respond({ id: indirectRequests()[0]!.id, operation: Indirect, status: 0 })
  expect(engine.drain()).toMatchObject({ code: 'RING_BAD_RESPONSE' })
})

describe('rule 16: splitting', () => {
  test.each([
    { maxSegments: 12, pages: 25, segments: [12, 12, 1] },
    { maxSegments: 32, pages: 32, segments: [32] },
    { maxSegments: 32, pages: 33, segments: [32, 1] },
    { maxSegments: 600, pages: 1201, segments: [600, 600, 1] },
    { maxSegments: 4096, pages: 4096, segments: [4096] },
  ])('$pages pages become requests of $segments segments', async ({ maxSegments, pages, segments }) => {
    const { engine, respond, grants, slots, abi } = frontendBench({ maxSegments, freePages: 4200 })
    const target = new Uint8Array(pages * PAGE)
    const done = engine.transfer({ operation: Read, sectorNumber: 0, buffers: [target], byteLength: target.length })
    const sent: number[] = []
    for (const words of slots()) {
      const { id, operation } = abi.request.read(words)
      const isIndirect = operation === Indirect
      const count = isIndirect ? abi.indirect.read(words).nr_segments : abi.request.read(words).nr_segments
      expect(isIndirect).toBe(count > 11)
      if (isIndirect) {
        const grefs = abi.indirect.read(words).indirect_grefs.slice(0, Math.ceil(count / 512))
        expect(new Set(grefs.map(({ gref }) => gref)).size).toBe(Math.ceil(count / 512))
      }
      sent.push(count)
      respond({ id, operation: Read, status: 0 })
    }
    expect(sent).toEqual(segments)
    expect(engine.drain()).toBeUndefined()
    await done
    engine.unshare()
    expect(grants.shared.size).toBe(0)
  })

  test('few pages for data leave a page for the descriptors, or make requests direct', () => {
    const few = frontendBench({ maxSegments: 32, dataPages: 20 })
    const byteLength = 19 * PAGE
    void few.engine.transfer({ operation: Read, sectorNumber: 0, buffers: [new Uint8Array(byteLength)], byteLength })
    expect(few.indirectRequests().map(({ nr_segments }) => nr_segments)).toEqual([19])
    const fewer = frontendBench({ maxSegments: 32, dataPages: 12 })
    void fewer.engine.transfer({ operation: Read, sectorNumber: 0, buffers: [new Uint8Array(byteLength)], byteLength })
    expect(fewer.requests().map(({ nr_segments }) => nr_segments)).toEqual([11])
  })
})

test('bytes go to where they belong, whatever the buffers', async () => {
  const { engine, indirectRequests, respond, grants } = frontendBench({ maxSegments: 32 })
  const all = bytesOf(30 * PAGE)
  const cuts = [0, 1, 513, 4096, 4096, 4097, 45055, 100_000, all.length]
  const targets = cuts.slice(1).map((end, i) => new Uint8Array(end - cuts[i]!))
  const got = engine.transfer({ operation: Read, sectorNumber: 0, buffers: targets, byteLength: all.length })
  const [request] = indirectRequests()
  for (const [i, { gref }] of request!.seg.entries()) grants.pageBytes(gref).set(all.subarray(i * PAGE, (i + 1) * PAGE))
  respond({ id: request!.id, operation: Read, status: 0 })
  engine.drain()
  await got
  expect(Buffer.compare(Buffer.concat(targets), all)).toBe(0)
})

test('rule 14: a discard is one request, however large', async () => {
  const { engine, discards, respond, stats } = frontendBench()
  const discard = { sectorCount: 2 ** 40, secure: true }
  const done = engine.transfer({ operation: BlkifOp.Discard, sectorNumber: 8, buffers: [], byteLength: 0, discard })
  const [request] = discards()
  expect(request).toMatchObject({ operation: BlkifOp.Discard, flag: 1, sector_number: 8n, nr_sectors: 2n ** 40n })
  respond({ id: request!.id, operation: BlkifOp.Discard, status: 0 })
  expect(engine.drain()).toBeUndefined()
  await done
  expect(stats).toMatchObject({ discards: 1, bytesDiscarded: 2 ** 49, bytesWritten: 0 })
})
