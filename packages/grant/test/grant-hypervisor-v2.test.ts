import { type Domid, FlatMemory, type FrameNumber, type GrantRef } from '@split-driver/abi'
import {
  fetchEntryV2,
  type GrantAccess,
  GrantEntryV2,
  GrantFlag,
  GrantStatus,
  GrantTableV2,
  type PinRequest,
  pinEntryV2,
  unpinEntryV2,
} from '@split-driver/grant'
import { describe, expect, it } from 'vitest'

const ref = 9 as GrantRef
const frame = 0xffff_fffe as FrameNumber
const request: PinRequest = { domid: 2 as Domid, access: 'writable', purpose: 'map', alreadyPinned: false }
const { GNTST_okay, GNTST_general_error } = GrantStatus

const world = (page = FlatMemory.allocate(4096)) => {
  const statusPage = FlatMemory.allocate(4096)
  const grants = new GrantTableV2([page], [statusPage])
  const pin = (change: Partial<PinRequest> = {}) => pinEntryV2(page, ref, statusPage, ref, { ...request, ...change })
  const unpin = (released: number) => unpinEntryV2(statusPage, ref, released)
  return { page, statusPage, grants, pin, unpin, status: () => statusPage.load16(ref) }
}

const granted = (access: GrantAccess, page?: FlatMemory) => {
  const made = world(page)
  made.grants.grantAccess(ref, request.domid, frame, access)
  return made
}

describe('pinEntryV2', () => {
  it('rule 70: a read-only access sets READING only, a writable one both, all in the status', () => {
    const { page, pin, status, grants, statusPage } = granted('writable')
    expect(pin({ access: 'read-only' })).toBe(GNTST_okay)
    expect(status()).toBe(GrantFlag.reading)
    expect(pin({ alreadyPinned: true })).toBe(GNTST_okay)
    expect(status()).toBe(GrantFlag.reading | GrantFlag.writing)
    expect(page.load16(ref * 8)).toBe(GrantFlag.permitAccess)
    expect(grants.query(ref).inUse).toBe(true)
    expect(statusPage.load16(ref - 1)).toBe(0)
    const entry = new Int32Array(4)
    fetchEntryV2(page, ref, entry)
    expect(GrantEntryV2.at.frame.getNumber(entry, 0)).toBe(frame)
  })

  it('rule 70: a writable access to a read-only grant is a general error, pinned before or not', () => {
    const { pin, status } = granted('read-only')
    expect(pin()).toBe(GNTST_general_error)
    expect(status()).toBe(0)
    expect(pin({ access: 'read-only' })).toBe(GNTST_okay)
    expect(pin({ alreadyPinned: true })).toBe(GNTST_general_error)
    expect(status()).toBe(GrantFlag.reading)
  })

  it('another domain, a free entry and a transfer are general errors, and leave no mark', () => {
    const { page, pin, status } = granted('writable')
    expect(pin({ domid: 3 as Domid })).toBe(GNTST_general_error)
    page.store16(ref * 8, GrantFlag.acceptTransfer)
    expect(pin()).toBe(GNTST_general_error)
    expect(pin({ purpose: 'copy' })).toBe(GNTST_general_error)
    page.store16(ref * 8, GrantFlag.invalid)
    expect(pin()).toBe(GNTST_general_error)
    expect(status()).toBe(0)
  })

  it('rule 71: sub-page and transitive grants can be copied from, not mapped', () => {
    const sub = world()
    sub.grants.grantSubPage(ref, request.domid, { frame, offset: 0, length: 8 }, 'writable')
    const transitive = world()
    transitive.grants.grantTransitive(ref, request.domid, { domid: 5 as Domid, ref }, 'writable')
    for (const { pin, status } of [sub, transitive]) {
      expect(pin()).toBe(GNTST_general_error)
      expect(status()).toBe(0)
      expect(pin({ purpose: 'copy' })).toBe(GNTST_okay)
    }
  })

  it('while it is pinned the guest may rewrite type and domid: what was judged stays judged', () => {
    const { page, pin } = granted('writable')
    pin()
    page.store16(ref * 8 + 1, 99)
    expect(pin({ alreadyPinned: true })).toBe(GNTST_okay)
    expect(pin()).toBe(GNTST_general_error)
  })

  it.each([
    ['revoked', { access: 'read-only' }, GrantFlag.invalid, 0],
    ['made read-only', { access: 'writable' }, GrantFlag.permitAccess | GrantFlag.readonly, 0],
    ['made read-only', { access: 'writable', alreadyPinned: true }, 5, GrantFlag.reading],
  ] as const)('rule 69: an entry that is %s between status and second look is refused %j', (_, how, flags, left) => {
    class Revoking extends FlatMemory {
      #looks = 0
      armed = false
      override loadOrdered(word: number): number {
        if (this.armed && this.#looks++ === 1) this.store16(ref * 8, flags)
        return super.loadOrdered(word)
      }
    }
    const page = new Revoking(new SharedArrayBuffer(4096))
    const { pin, status, statusPage } = granted('writable', page)
    if ('alreadyPinned' in how) statusPage.store16(ref, GrantFlag.reading)
    page.armed = true
    expect(pin(how)).toBe(GNTST_general_error)
    expect(status()).toBe(left)
  })

  it('G5: the entry is looked at twice and its body fetched once, whatever the guest does', () => {
    let looks = 0
    class Counting extends FlatMemory {
      override loadOrdered(word: number): number {
        looks++
        return super.loadOrdered(word) ^ (GrantFlag.pwt * (looks & 1))
      }
    }
    const { pin } = granted('writable', new Counting(new SharedArrayBuffer(4096)))
    expect(pin()).toBe(GNTST_okay)
    expect(looks).toBe(2)
  })
})

describe('unpinEntryV2', () => {
  it('takes off just the marks it is told, and none of its neighbour’s', () => {
    const { statusPage, pin, unpin, status } = granted('writable')
    statusPage.store16(ref - 1, 0xffff)
    pin()
    unpin(GrantFlag.writing | GrantFlag.permitAccess)
    expect(status()).toBe(GrantFlag.reading)
    unpin(GrantFlag.reading)
    expect(status()).toBe(0)
    expect(statusPage.load16(ref - 1)).toBe(0xffff)
  })
})
