import { ARM_ABI, abiOf, type BlkifAbi, NATIVE_ABI, segmentLayout, X86_32_ABI, X86_64_ABI } from '@split-driver/blkif'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

/** What rules 13–15 say of each ABI, in bytes. */
const EXPECTED = [
  { abi: X86_64_ABI, id: 8, sector: 16, rest: 24, slot: 112, response: 16, discard: 32 },
  { abi: ARM_ABI, id: 8, sector: 16, rest: 24, slot: 112, response: 16, discard: 32 },
  { abi: X86_32_ABI, id: 4, sector: 12, rest: 20, slot: 108, response: 12, discard: 28 },
]

describe.each(EXPECTED)('$abi.protocol', ({ abi, id, sector, rest, slot, response, discard }) => {
  test('rule 13: id, sector_number and seg lie where the header puts them', () => {
    const { operation, nr_segments, handle, ...at } = abi.request.at
    expect([operation.offset, nr_segments.offset, handle.offset]).toEqual([0, 1, 2])
    expect([at.id.offset, at.sector_number.offset, at.seg.offset]).toEqual([id, sector, rest])
    expect(abi.request.bytes).toBe(slot)
    expect(abi.slotBytes).toBe(slot)
  })

  test('rule 13: the response is id, operation at 8, status at 10', () => {
    expect(abi.response.bytes).toBe(response)
    expect(Object.values(abi.response.at).map((field) => field.offset)).toEqual([0, 8, 10])
  })

  test('rule 14: discard has its flag at 1 and nr_sectors where a request has seg', () => {
    expect(abi.discard.bytes).toBe(discard)
    expect([abi.discard.at.flag.offset, abi.discard.at.nr_sectors.offset]).toEqual([1, rest])
  })

  test('rule 15: indirect has its handle where a request has seg, then the references', () => {
    expect(abi.indirect.bytes).toBe(64)
    expect(abi.indirect.at.handle.offset).toBe(rest)
    expect(abi.indirect.at.indirect_grefs.offset).toBe(rest + 4)
  })

  test('what is written into a request is read from it, whatever the slot held before', () => {
    fc.assert(fc.property(requests, stale(abi), (request, words) => roundTrip(abi, request, words)))
  })

  test('a request is its bytes', () => {
    const words = abi.request.create({ operation: 1, nr_segments: 2, handle: 0x0304, id: 0x1122334455667788n })
    abi.request.write(words, { sector_number: 0x99n, seg: [{ gref: 7, first_sect: 1, last_sect: 6 }] })
    const bytes = new Uint8Array(words.buffer)
    const expected = new Uint8Array(slot)
    expected.set([1, 2, 4, 3])
    expected.set([0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0x99], id)
    expected.set([7, 0, 0, 0, 1, 6], rest)
    expect(bytes).toEqual(expected)
  })
})

const u64s = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
const segments = fc.record({
  gref: fc.nat(0xffffffff),
  first_sect: fc.nat(255),
  last_sect: fc.nat(255),
})
const requests = fc.record({
  operation: fc.nat(255),
  nr_segments: fc.nat(255),
  handle: fc.nat(0xffff),
  id: u64s,
  sector_number: u64s,
  seg: fc.array(segments, { minLength: 11, maxLength: 11 }),
})
const stale = (abi: BlkifAbi) => fc.int32Array({ minLength: abi.request.words, maxLength: abi.request.words })

const roundTrip = (abi: BlkifAbi, request: ReturnType<BlkifAbi['request']['read']>, words: Int32Array): void => {
  abi.request.write(words, request)
  expect(abi.request.read(words)).toEqual(request)
  const segment = segmentLayout.read(words, abi.request.at.seg.wordOf(10))
  expect(segment).toEqual(request.seg[10])
}

test('rule 24: no protocol key means native; rule 13: an unknown name is no ABI', () => {
  expect(abiOf(undefined)).toBe(NATIVE_ABI)
  expect(abiOf('x86_32-abi')).toBe(X86_32_ABI)
  expect(abiOf('x86_64-abi')).toBe(X86_64_ABI)
  expect(abiOf('arm-abi')).toBe(ARM_ABI)
  for (const name of ['', 'x86_64', 'X86_64-ABI', 'ia64-abi', ' x86_64-abi']) expect(abiOf(name)).toBeUndefined()
})
