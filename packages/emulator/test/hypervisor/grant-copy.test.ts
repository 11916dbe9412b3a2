import { DOMID_SELF, type Domid, type FrameNumber, type GrantRef, PAGE_BYTES } from '@split-driver/abi'
import { GrantFlag, GrantMapFlag } from '@split-driver/grant'
import { describe, expect, test } from 'vitest'
import { type GrantDomain, grantDomains, names } from './grant-domains.js'

const ref = (value: number) => value as GrantRef

describe.each([1, 2] as const)('GNTTABOP_copy, version %i', (version) => {
  test('frame or grant at either end: all four kinds move just the bytes that are named', () => {
    const { dom0, a, b, pins } = grantDomains(version)
    const source = a.grant(dom0, 0, 'read-only')
    const dest = b.grant(dom0, 0)
    a.bytes(0).fill(1)
    const kinds = [
      [[a, source], [b, dest], b.bytes(0)],
      [[a, source], dom0.frame(1), dom0.bytes(1)],
      [dom0.frame(1), dom0.frame(2), dom0.bytes(2)],
      [dom0.frame(2), [b, dest], b.bytes(0)],
    ] as const
    for (const [from, to, seen] of kinds) {
      seen.fill(9)
      expect(dom0.copy(from, to, 3, 4092, 1)).toBe('GNTST_okay')
      expect([...seen.subarray(0, 6)]).toEqual([9, 1, 1, 1, 9, 9])
      for (const own of [1, 2]) dom0.bytes(own).fill(1)
    }
    for (const [owner, gref] of [
      [a, source],
      [b, dest],
    ] as const) {
      expect(pins(owner, gref)).toMatchObject({ hostReaders: 0, hostWriters: 0 })
      expect(owner.table.endAccess(gref)).toBe(true)
    }
  })

  test('rule 71: length 0 is okay, also at the page’s end; ranges that overlap in one page move as if apart', () => {
    const { dom0, a } = grantDomains(version)
    const gref = a.grant(dom0, 0)
    expect(dom0.copy([a, gref], [a, gref], 0, PAGE_BYTES, PAGE_BYTES)).toBe('GNTST_okay')
    a.bytes(0).set([1, 2, 3, 4])
    expect(dom0.copy([a, gref], [a, gref], 4, 0, 2)).toBe('GNTST_okay')
    expect([...a.bytes(0).subarray(0, 6)]).toEqual([1, 2, 1, 2, 3, 4])
  })

  test('rule 71, GNTST_bad_copy_arg: either end would cross the page’s end; nothing moves', () => {
    const { dom0, a } = grantDomains(version)
    const gref = a.grant(dom0, 0)
    for (const [len, from, to] of [
      [2, 4095, 0],
      [2, 0, 4095],
      [4097, 0, 0],
      [1, 4096, 0],
      [1, -1, 0],
      [0.5, 0, 0],
    ] as const)
      expect([len, from, to, dom0.copy(dom0.frame(0), [a, gref], len, from, to)]).toEqual([
        len,
        from,
        to,
        'GNTST_bad_copy_arg',
      ])
    expect(a.marks(gref)).toBe(0)
  })

  test('GNTST_permission_denied: a frame of another domain’s, which its number alone does not open', () => {
    const { dom0, a } = grantDomains(version)
    const own = { at: dom0.frame(0), domid: DOMID_SELF, offset: 0 }
    const foreign = { at: a.frame(0), domid: a.domid, offset: 0 }
    const ops = [
      { source: foreign, dest: own, len: 1, flags: 0 },
      { source: own, dest: foreign, len: 1, flags: 0 },
      { source: own, dest: { ...own, domid: dom0.domid }, len: 1, flags: 0 },
    ]
    expect(names(dom0.op.copy(ops))).toEqual(Array(3).fill('GNTST_permission_denied'))
  })

  test('GNTST_bad_domain, GNTST_bad_gntref, GNTST_bad_page and GNTST_general_error, at either end', () => {
    const { dom0, a, b } = grantDomains(version)
    const good = dom0.frame(0)
    const readonly = a.grant(dom0, 0, 'read-only')
    const toB = a.grant(b, 1)
    const badPage = ref(10)
    a.table.grantAccess(badPage, dom0.domid, b.frame(0), 'writable')
    const nobody = { domid: 0x7fee as Domid }
    const rows = [
      [[nobody, 8], 'GNTST_bad_domain'],
      [[a, 9999], 'GNTST_bad_gntref'],
      [[a, 2 ** 32], 'GNTST_bad_gntref'],
      [[a, toB], 'GNTST_general_error'],
      [[a, 11], 'GNTST_general_error'],
      [[a, badPage], 'GNTST_bad_page'],
      [a.frame(0), 'GNTST_bad_page'],
      [(2 ** 32) as FrameNumber, 'GNTST_bad_page'],
      [-1 as FrameNumber, 'GNTST_bad_page'],
    ] as const
    for (const [end, status] of rows) {
      expect([end, dom0.copy(end, good, 1)]).toEqual([end, status])
      expect([end, dom0.copy(good, end, 1)]).toEqual([end, status])
    }
    expect(dom0.copy([a, readonly], good, 1)).toBe('GNTST_okay')
    expect(dom0.copy(good, [a, readonly], 1)).toBe('GNTST_general_error')
    for (const gref of [readonly, toB, badPage]) expect(a.table.endAccess(gref)).toBe(true)
  })

  test('a domain copies through grants to itself, and while it has them mapped', () => {
    const { dom0, a, pins } = grantDomains(version)
    const own = a.grant(a, 0)
    const gref = a.grant(dom0, 1)
    const { handle } = dom0.map(a.domid, gref, GrantMapFlag.hostMap | GrantMapFlag.readonly)
    a.bytes(0)[0] = 7
    expect(a.copy([{ domid: DOMID_SELF }, own], a.frame(5), 1)).toBe('GNTST_okay')
    expect(a.bytes(5)[0]).toBe(7)
    expect(dom0.copy(dom0.frame(0), [a, gref], 1)).toBe('GNTST_okay')
    expect(pins(a, gref)).toMatchObject({ hostReaders: 1, hostWriters: 0 })
    expect(a.marks(gref)).toBe(GrantFlag.reading)
    expect(dom0.unmap(handle)).toBe('GNTST_okay')
  })

  test('while somebody has a grant mapped, it is of the page that was granted then', () => {
    const { dom0, a } = grantDomains(version)
    const gref = a.grant(dom0, 0)
    const { handle } = dom0.map(a.domid, gref)
    rewriteFrame(a, gref, a.frame(1))
    a.bytes(0)[0] = 1
    a.bytes(1)[0] = 2
    expect(dom0.copy([a, gref], dom0.frame(0), 1)).toBe('GNTST_okay')
    expect(dom0.bytes(0)[0]).toBe(1)
    dom0.unmap(handle)
    expect(dom0.copy([a, gref], dom0.frame(0), 1)).toBe('GNTST_okay')
    expect(dom0.bytes(0)[0]).toBe(2)
    const readOnly = dom0.map(a.domid, gref, GrantMapFlag.hostMap | GrantMapFlag.readonly)
    rewriteFrame(a, gref, a.frame(2))
    expect(dom0.copy(dom0.frame(0), [a, gref], 1)).toBe('GNTST_general_error')
    expect(a.marks(gref)).toBe(GrantFlag.reading)
    dom0.unmap(readOnly.handle)
  })
})

/** Changes an entry's frame and nothing else, as a hostile guest would. */
const rewriteFrame = (owner: GrantDomain, gref: GrantRef, frame: FrameNumber): void => {
  const page = owner.op.page(owner.op.setupTable({ dom: DOMID_SELF, nrFrames: 1 }).frameList[0]!)
  page.store(owner.table.version === 1 ? gref * 2 + 1 : gref * 4 + 2, frame)
}
