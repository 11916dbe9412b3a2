import { type Domid, FlatMemory, type FrameNumber, type GrantRef } from '@split-driver/abi'
import {
  type GrantAccess,
  GrantFlag,
  GrantStatus,
  GrantTableV1,
  type PinRequest,
  pinEntry,
  pinnedFrame,
  unpinEntry,
} from '@split-driver/grant'
import { describe, expect, it } from 'vitest'

const ref = 8 as GrantRef
const frame = 0xffff_fffe as FrameNumber
const request: PinRequest = { domid: 2 as Domid, access: 'writable', purpose: 'map', alreadyPinned: false }

const granted = (access: GrantAccess) => {
  const page = FlatMemory.allocate(4096)
  const grants = new GrantTableV1([page])
  grants.grantAccess(ref, request.domid, frame, access)
  return { page, grants }
}

describe('pinEntry', () => {
  it('rule 70: a read-only access sets READING only, a writable one READING and WRITING', () => {
    const { page, grants } = granted('writable')
    expect(pinEntry(page, ref, { ...request, access: 'read-only' })).toBe(GrantStatus.GNTST_okay)
    expect(grants.query(ref).flags).toBe(GrantFlag.permitAccess | GrantFlag.reading)
    expect(pinEntry(page, ref, { ...request, alreadyPinned: true })).toBe(GrantStatus.GNTST_okay)
    expect(grants.query(ref).flags).toBe(GrantFlag.permitAccess | GrantFlag.reading | GrantFlag.writing)
    expect(pinnedFrame(page, ref)).toBe(frame)
  })

  it('rule 70: a writable access to a read-only grant is a general error, pinned before or not', () => {
    const { page, grants } = granted('read-only')
    expect(pinEntry(page, ref, request)).toBe(GrantStatus.GNTST_general_error)
    expect(pinEntry(page, ref, { ...request, alreadyPinned: true })).toBe(GrantStatus.GNTST_general_error)
    expect(grants.query(ref).inUse).toBe(false)
  })

  it('another domain, a free entry and a transfer are general errors', () => {
    const { page, grants } = granted('writable')
    expect(pinEntry(page, ref, { ...request, domid: 3 as Domid })).toBe(GrantStatus.GNTST_general_error)
    expect(pinEntry(page, 9, { ...request, domid: 0 as Domid })).toBe(GrantStatus.GNTST_general_error)
    page.store16(ref * 4, GrantFlag.acceptTransfer)
    expect(pinEntry(page, ref, request)).toBe(GrantStatus.GNTST_general_error)
    expect(grants.query(ref).flags).toBe(GrantFlag.acceptTransfer)
  })

  it('rule 71: an entry marked sub_page can be copied from, not mapped', () => {
    const { page } = granted('writable')
    page.or(ref * 2, GrantFlag.subPage)
    expect(pinEntry(page, ref, request)).toBe(GrantStatus.GNTST_general_error)
    expect(pinEntry(page, ref, { ...request, purpose: 'copy' })).toBe(GrantStatus.GNTST_okay)
  })

  it('while it is pinned the guest may rewrite type and domid: what was judged stays judged', () => {
    const { page } = granted('writable')
    pinEntry(page, ref, request)
    page.store16(ref * 4 + 1, 99)
    expect(pinEntry(page, ref, { ...request, alreadyPinned: true })).toBe(GrantStatus.GNTST_okay)
    expect(pinEntry(page, ref, request)).toBe(GrantStatus.GNTST_general_error)
  })

  it('G5: gives up with a general error when the guest rewrites the entry for ever', () => {
    let attempts = 0
    class Unstable extends FlatMemory {
      override compareExchange(word: number, expected: number, value: number): number {
        attempts++
        this.store(word, this.load(word) ^ GrantFlag.pwt)
        return super.compareExchange(word, expected, value)
      }
    }
    const page = new Unstable(new SharedArrayBuffer(4096))
    new GrantTableV1([page]).grantAccess(ref, request.domid, frame, 'writable')
    expect(pinEntry(page, ref, request)).toBe(GrantStatus.GNTST_general_error)
    expect(attempts).toBe(5)
    expect(page.load16(ref * 4) & (GrantFlag.reading | GrantFlag.writing)).toBe(0)
  })
})

describe('unpinEntry', () => {
  it('takes off just the marks it is told, and no other bit of the entry', () => {
    const { page, grants } = granted('writable')
    pinEntry(page, ref, request)
    unpinEntry(page, ref, GrantFlag.writing | GrantFlag.permitAccess)
    expect(grants.query(ref)).toMatchObject({
      flags: GrantFlag.permitAccess | GrantFlag.reading,
      domid: 2,
      inUse: true,
    })
    unpinEntry(page, ref, GrantFlag.reading)
    expect(grants.query(ref)).toEqual({ flags: GrantFlag.permitAccess, domid: 2, frame, inUse: false })
  })
})
