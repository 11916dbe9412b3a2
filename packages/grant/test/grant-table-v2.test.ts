import { type Domid, FlatMemory, type FrameNumber, type GrantRef, XenError } from '@split-driver/abi'
import { GrantFlag, GrantStatus, GrantTableV2, pinEntryV2, unpinEntryV2 } from '@split-driver/grant'
import { describe, expect, it } from 'vitest'

const dom0 = 0 as Domid
const frame = 0xfedcba98 as FrameNumber
const ref = (value: number): GrantRef => value as GrantRef

const table = (frames = 2) => {
  const pages = Array.from({ length: frames }, () => FlatMemory.allocate(4096))
  const statuses = [FlatMemory.allocate(4096)]
  return { pages, statuses, grants: new GrantTableV2(pages, statuses) }
}

/** The 16 bytes of an entry. */
const entryOf = (pages: readonly FlatMemory[], value: number): number[] => [
  ...pages[Math.floor(value / 256)]!.bytes((value % 256) * 16, 16),
]

describe('GrantTableV2', () => {
  it.each([8, 255, 256, 511])('rule 67: entry %i lies 16 bytes an entry, 256 a page', (value) => {
    const { pages, statuses, grants } = table()
    grants.grantAccess(ref(value), 0x7fef as Domid, frame, 'read-only')
    const flags = GrantFlag.permitAccess | GrantFlag.readonly
    expect(entryOf(pages, value)).toEqual([flags, 0, 0xef, 0x7f, 0, 0, 0, 0, 0x98, 0xba, 0xdc, 0xfe, 0, 0, 0, 0])
    const written = pages.reduce((sum, page) => sum + page.bytes(0, 4096).filter((byte) => byte !== 0).length, 0)
    expect(written).toBe(7)
    expect(statuses[0]!.bytes(0, 4096).every((byte) => byte === 0)).toBe(true)
  })

  it('a writable grant lacks GTF_readonly, and query tells what the entry says', () => {
    const { grants } = table()
    grants.grantAccess(ref(9), 3 as Domid, frame, 'writable')
    expect(grants.query(ref(9))).toEqual({
      flags: GrantFlag.permitAccess,
      domid: 3,
      frame,
      inUse: false,
      subPage: undefined,
      transitive: undefined,
    })
  })

  it('rule 71: a sub-page grant says which bytes of the page', () => {
    const { pages, grants } = table()
    grants.grantSubPage(ref(9), 3 as Domid, { frame, offset: 0x123, length: 0xedd }, 'read-only')
    expect(entryOf(pages, 9).slice(0, 8)).toEqual([5, 1, 3, 0, 0x23, 0x01, 0xdd, 0x0e])
    expect(grants.query(ref(9))).toMatchObject({ frame, subPage: { offset: 0x123, length: 0xedd } })
    for (const [offset, length] of [
      [-1, 1],
      [1, 4096],
      [4097, 0],
      [0.5, 1],
    ] as const)
      expect(() => grants.grantSubPage(ref(10), dom0, { frame, offset, length }, 'writable')).toThrow(RangeError)
    expect(entryOf(pages, 10)).toEqual(Array(16).fill(0))
  })

  it('rule 71: a transitive grant names the grant that is passed on', () => {
    const { pages, grants } = table()
    const source = { domid: 5 as Domid, ref: ref(0xfffffffe) }
    grants.grantTransitive(ref(9), 3 as Domid, source, 'read-only')
    expect(entryOf(pages, 9)).toEqual([7, 0, 3, 0, 5, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff, 0, 0, 0, 0])
    expect(grants.query(ref(9))).toMatchObject({ transitive: source, subPage: undefined })
  })

  it('nothing of an entry’s former content is left in a new one', () => {
    const { pages, grants } = table()
    grants.grantSubPage(ref(9), 3 as Domid, { frame, offset: 1, length: 2 }, 'writable')
    grants.endAccess(ref(9))
    grants.grantAccess(ref(9), dom0, 1 as FrameNumber, 'writable')
    expect(entryOf(pages, 9)).toEqual([1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0])
  })

  it('grows by pages, and has no entry without a status', () => {
    const { grants } = table(8)
    expect(grants.entryCount).toBe(2048)
    grants.addFrame(FlatMemory.allocate(4096))
    expect(grants.entryCount).toBe(2048)
    expect(() => grants.query(ref(2048))).toThrow(RangeError)
    grants.addStatusFrame(FlatMemory.allocate(4096))
    expect(grants.entryCount).toBe(2304)
    expect(grants.query(ref(2303)).flags).toBe(0)
    expect(() => grants.query(ref(-1))).toThrow(RangeError)
    expect(() => grants.addFrame(FlatMemory.allocate(8192))).toThrow(RangeError)
    expect(() => grants.addStatusFrame(FlatMemory.allocate(2048))).toThrow(RangeError)
  })

  it('EBUSY: an entry that is not free is not granted anew, and does not change', () => {
    const { grants } = table()
    grants.grantAccess(ref(8), dom0, frame, 'writable')
    const before = grants.query(ref(8))
    expect(() => grants.grantAccess(ref(8), 5 as Domid, 1 as FrameNumber, 'writable')).toThrow(XenError)
    expect(() => grants.grantTransitive(ref(8), 5 as Domid, { domid: dom0, ref: ref(9) }, 'writable')).toThrow(/EBUSY/)
    expect(grants.query(ref(8))).toEqual(before)
  })

  it.each([
    ['READING', GrantFlag.reading],
    ['WRITING', GrantFlag.writing],
    ['both', GrantFlag.reading | GrantFlag.writing],
  ])('rule 69: access does not end while the status says %s, yet nobody new gets in', (_, marks) => {
    const { statuses, grants } = table()
    for (const value of [8, 9]) {
      const shift = (value & 1) * 16
      grants.grantAccess(ref(value), dom0, frame, 'writable')
      statuses[0]!.or(value >> 1, marks << shift)
      expect(grants.endAccess(ref(value))).toBe(false)
      expect(grants.query(ref(value))).toMatchObject({ flags: marks, inUse: true })
      expect(() => grants.grantAccess(ref(value), dom0, frame, 'writable')).toThrow(/EBUSY/)
      expect(grants.endAccess(ref(value))).toBe(false)
      statuses[0]!.and(value >> 1, ~(marks << shift))
      expect(() => grants.grantAccess(ref(value), dom0, frame, 'writable')).toThrow(/EBUSY/)
      expect(grants.endAccess(ref(value))).toBe(true)
      grants.grantAccess(ref(value), dom0, frame, 'writable')
      expect(grants.endAccess(ref(value))).toBe(true)
    }
  })

  it('rule 70: who has it mapped for reading when access is taken back cannot map it for writing then', () => {
    const { pages, statuses, grants } = table()
    grants.grantAccess(ref(8), dom0, frame, 'read-only')
    const request = { domid: dom0, purpose: 'map', access: 'read-only', alreadyPinned: false } as const
    pinEntryV2(pages[0]!, 8, statuses[0]!, 8, request)
    expect(grants.endAccess(ref(8))).toBe(false)
    const upgrade = { ...request, access: 'writable', alreadyPinned: true } as const
    expect(pinEntryV2(pages[0]!, 8, statuses[0]!, 8, upgrade)).toBe(GrantStatus.GNTST_general_error)
    unpinEntryV2(statuses[0]!, 8, GrantFlag.reading)
    expect(grants.endAccess(ref(8))).toBe(true)
    expect(entryOf(pages, 8).slice(0, 2)).toEqual([0, 0])
  })

  it('statuses of neighbours do not mix, also at a status page’s border', () => {
    const pages = Array.from({ length: 16 }, () => FlatMemory.allocate(4096))
    const statuses = [FlatMemory.allocate(4096), FlatMemory.allocate(4096)]
    const grants = new GrantTableV2(pages, statuses)
    for (const value of [2047, 2048, 2049]) grants.grantAccess(ref(value), dom0, frame, 'writable')
    statuses[1]!.store16(0, GrantFlag.reading)
    expect([2047, 2048, 2049].map((value) => grants.endAccess(ref(value)))).toEqual([true, false, true])
  })

  it('G4: bits of the status that mean nothing do not hold an entry up', () => {
    const { statuses, grants } = table()
    grants.grantAccess(ref(8), dom0, frame, 'writable')
    statuses[0]!.store16(8, 0xffff & ~(GrantFlag.reading | GrantFlag.writing))
    expect(grants.query(ref(8)).inUse).toBe(false)
    expect(grants.endAccess(ref(8))).toBe(true)
  })
})
