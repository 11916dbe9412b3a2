import { type Domid, FlatMemory, type FrameNumber, type GrantRef, XenError } from '@split-driver/abi'
import { GrantFlag, GrantTableV1 } from '@split-driver/grant'
import { describe, expect, it } from 'vitest'

const dom0 = 0 as Domid
const frame = 0xfedcba98 as FrameNumber
const ref = (value: number): GrantRef => value as GrantRef

const table = (frames = 2) => {
  const pages = Array.from({ length: frames }, () => FlatMemory.allocate(4096))
  return { pages, grants: new GrantTableV1(pages) }
}

describe('GrantTableV1', () => {
  it.each([8, 511, 512, 1023])('rule 67: entry %i lies 8 bytes an entry, 512 a page', (value) => {
    const { pages, grants } = table()
    grants.grantAccess(ref(value), 0x7fef as Domid, frame, 'read-only')
    const bytes = pages[Math.floor(value / 512)]!.bytes((value % 512) * 8, 8)
    expect([...bytes]).toEqual([GrantFlag.permitAccess | GrantFlag.readonly, 0, 0xef, 0x7f, 0x98, 0xba, 0xdc, 0xfe])
    const written = pages.reduce((sum, page) => sum + page.bytes(0, 4096).filter((byte) => byte !== 0).length, 0)
    expect(written).toBe(7)
  })

  it('a writable grant lacks GTF_readonly, and query tells what the entry says', () => {
    const { grants } = table()
    grants.grantAccess(ref(9), 3 as Domid, frame, 'writable')
    expect(grants.query(ref(9))).toEqual({ flags: GrantFlag.permitAccess, domid: 3, frame, inUse: false })
  })

  it('grows by a page', () => {
    const { grants } = table(1)
    expect(grants.entryCount).toBe(512)
    expect(() => grants.query(ref(512))).toThrow(RangeError)
    grants.addFrame(FlatMemory.allocate(4096))
    expect(grants.query(ref(1023)).flags).toBe(0)
    expect(() => grants.addFrame(FlatMemory.allocate(8192))).toThrow(RangeError)
  })

  it('EBUSY: an entry that is not free is not granted anew, and does not change', () => {
    const { grants } = table()
    grants.grantAccess(ref(8), dom0, frame, 'writable')
    const before = grants.query(ref(8))
    expect(() => grants.grantAccess(ref(8), 5 as Domid, 1 as FrameNumber, 'writable')).toThrow(XenError)
    expect(grants.query(ref(8))).toEqual(before)
  })

  it.each([
    ['READING', GrantFlag.reading],
    ['WRITING', GrantFlag.writing],
    ['both', GrantFlag.reading | GrantFlag.writing],
  ])('rule 69: access does not end while %s, and nothing changes', (_, marks) => {
    const { pages, grants } = table()
    grants.grantAccess(ref(8), dom0, frame, 'writable')
    pages[0]!.or(8 * 2, marks)
    const before = grants.query(ref(8))
    expect(grants.endAccess(ref(8))).toBe(false)
    expect(grants.query(ref(8))).toEqual({ ...before, inUse: true })
    pages[0]!.and(8 * 2, ~marks)
    expect(grants.endAccess(ref(8))).toBe(true)
    expect(grants.query(ref(8)).flags).toBe(0)
  })

  it('G5: ending access is bounded though the flags change under our hands for ever', () => {
    let changes = 0
    class Unstable extends FlatMemory {
      override compareExchange16(halfWord: number, expected: number, value: number): number {
        this.store16(halfWord, this.load16(halfWord) ^ GrantFlag.pwt)
        changes++
        return super.compareExchange16(halfWord, expected, value)
      }
    }
    const page = new Unstable(new SharedArrayBuffer(4096))
    page.store16(8 * 4, GrantFlag.permitAccess)
    expect(new GrantTableV1([page]).endAccess(ref(8))).toBe(false)
    expect(changes).toBeLessThanOrEqual(16)
  })
})
