import { DOMID_SELF, type Domid, type GrantRef } from '@split-driver/abi'
import { GrantCopyFlag, GrantFlag } from '@split-driver/grant'
import { describe, expect, test } from 'vitest'
import { grantDomains, names } from './grant-domains.js'

const ref = (value: number) => value as GrantRef

describe('version 2: bytes of a page', () => {
  test('rule 71: within them okay, beyond them GNTST_general_error, beyond the page GNTST_bad_copy_arg', () => {
    const { dom0, a } = grantDomains(2)
    a.v2.grantSubPage(ref(8), dom0.domid, { frame: a.frame(0), offset: 100, length: 50 }, 'writable')
    const own = dom0.frame(0)
    for (const [offset, length, status] of [
      [100, 50, 'GNTST_okay'],
      [149, 1, 'GNTST_okay'],
      [150, 0, 'GNTST_okay'],
      [99, 1, 'GNTST_general_error'],
      [149, 2, 'GNTST_general_error'],
      [151, 0, 'GNTST_general_error'],
      [4095, 2, 'GNTST_bad_copy_arg'],
    ] as const) {
      expect([offset, length, dom0.copy([a, 8], own, length, offset, 0)]).toEqual([offset, length, status])
      expect([offset, length, dom0.copy(own, [a, 8], length, 0, offset)]).toEqual([offset, length, status])
    }
    expect(dom0.tryMap(a.domid, 8)).toBe('GNTST_general_error')
    expect(a.table.endAccess(ref(8))).toBe(true)
  })

  test('both ends of a copy may be one such grant', () => {
    const { dom0, a } = grantDomains(2)
    a.v2.grantSubPage(ref(8), dom0.domid, { frame: a.frame(0), offset: 10, length: 10 }, 'writable')
    a.bytes(0)[10] = 5
    expect(dom0.copy([a, 8], [a, 8], 1, 10, 19)).toBe('GNTST_okay')
    expect(a.bytes(0)[19]).toBe(5)
    expect(dom0.copy([a, 8], [a, 8], 1, 10, 20)).toBe('GNTST_general_error')
    expect(a.marks(ref(8))).toBe(0)
  })

  test('an extent that no page has, as a hostile guest writes it, opens nothing beyond the page', () => {
    const { dom0, a } = grantDomains(2)
    a.v2.grantSubPage(ref(8), dom0.domid, { frame: a.frame(0), offset: 0, length: 1 }, 'writable')
    const page = a.op.page(a.op.setupTable({ dom: DOMID_SELF, nrFrames: 1 }).frameList[0]!)
    page.store16(8 * 8 + 2, 0x8000)
    page.store16(8 * 8 + 3, 0xffff)
    expect(dom0.copy([a, 8], dom0.frame(0), 1, 0, 0)).toBe('GNTST_general_error')
    expect(dom0.copy([a, 8], dom0.frame(0), 1, 0x8000, 0)).toBe('GNTST_bad_copy_arg')
  })
})

describe('version 2: grants passed on (hostile row G3)', () => {
  /** Domain b passes on to dom0 what a granted to it. */
  const passedOn = (access: 'read-only' | 'writable' = 'writable') => {
    const world = grantDomains(2)
    const { dom0, a, b } = world
    const gref = a.grant(b, 0)
    b.v2.grantTransitive(ref(8), dom0.domid, { domid: a.domid, ref: gref }, access)
    return { ...world, gref }
  }

  test('are copied through both ways, pin both grants while it lasts, and cannot be mapped', () => {
    const { dom0, a, b, gref, pins } = passedOn()
    a.bytes(0)[3] = 33
    expect(dom0.copy([b, 8], dom0.frame(0), 1, 3)).toBe('GNTST_okay')
    expect(dom0.bytes(0)[0]).toBe(33)
    dom0.bytes(0)[0] = 44
    expect(dom0.copy(dom0.frame(0), [b, 8], 1, 0, 4)).toBe('GNTST_okay')
    expect(dom0.copy([b, 8], [b, 8], 1, 4, 5)).toBe('GNTST_okay')
    expect([...a.bytes(0).subarray(3, 6)]).toEqual([33, 44, 44])
    expect(dom0.tryMap(b.domid, 8)).toBe('GNTST_general_error')
    for (const [owner, own] of [
      [a, gref],
      [b, ref(8)],
    ] as const) {
      expect(pins(owner, own)).toMatchObject({ hostReaders: 0, hostWriters: 0 })
      expect(owner.table.endAccess(own)).toBe(true)
    }
  })

  test('are no wider than either of the two', () => {
    const { dom0, a, b } = passedOn('read-only')
    expect(dom0.copy(dom0.frame(0), [b, 8], 1)).toBe('GNTST_general_error')
    a.v2.grantSubPage(ref(20), b.domid, { frame: a.frame(1), offset: 10, length: 2 }, 'read-only')
    b.v2.grantTransitive(ref(20), dom0.domid, { domid: a.domid, ref: ref(20) }, 'writable')
    expect(dom0.copy([b, 20], dom0.frame(0), 2, 10)).toBe('GNTST_okay')
    expect(dom0.copy([b, 20], dom0.frame(0), 3, 10)).toBe('GNTST_general_error')
    expect(dom0.copy(dom0.frame(0), [b, 20], 1, 0, 10)).toBe('GNTST_general_error')
  })

  test('XSA-226: in a circle, of oneself, to nobody, to nothing: refused, and every mark comes off', () => {
    const { dom0, a, b } = passedOn()
    const targets = [
      [b.domid, 8],
      [b.domid, 21],
      [0x7fee as Domid, 8],
      [a.domid, 9999],
      [a.domid, 30],
    ] as const
    const expected = ['general_error', 'general_error', 'general_error', 'bad_gntref', 'general_error']
    targets.forEach(([domid, target], i) => {
      const gref = ref(40 + i)
      b.v2.grantTransitive(gref, dom0.domid, { domid, ref: ref(target) }, 'writable')
      expect(dom0.copy([b, gref], dom0.frame(0), 1)).toBe(`GNTST_${expected[i]}`)
      expect(b.marks(gref)).toBe(0)
    })
    // a → b → a: what b passes on was passed on to it.
    a.v2.grantTransitive(ref(50), b.domid, { domid: b.domid, ref: ref(51) }, 'writable')
    b.v2.grantTransitive(ref(51), a.domid, { domid: a.domid, ref: ref(50) }, 'writable')
    b.v2.grantTransitive(ref(52), dom0.domid, { domid: a.domid, ref: ref(50) }, 'writable')
    expect(dom0.copy([b, 52], dom0.frame(0), 1)).toBe('GNTST_general_error')
    expect(a.copy([b, 51], a.frame(9), 1)).toBe('GNTST_general_error')
    for (const [owner, gref] of [
      [a, 50],
      [b, 51],
      [b, 52],
    ] as const)
      expect(owner.marks(ref(gref))).toBe(0)
  })

  test('may lead back to whom they are granted', () => {
    const { dom0, a, b } = passedOn()
    const own = dom0.grant(b, 3)
    b.v2.grantTransitive(ref(60), dom0.domid, { domid: dom0.domid, ref: own }, 'writable')
    dom0.bytes(3)[0] = 77
    expect(dom0.copy([b, 60], dom0.frame(4), 1)).toBe('GNTST_okay')
    expect(dom0.bytes(4)[0]).toBe(77)
    expect(a.marks(ref(8))).toBe(0)
  })

  test('GNTST_eagain: an entry that is mapped as a page, and is rewritten to pass something on', () => {
    const { dom0, a, b, pins } = passedOn()
    const gref = b.grant(dom0, 1)
    const { handle } = dom0.map(b.domid, gref)
    const page = b.op.page(b.op.setupTable({ dom: DOMID_SELF, nrFrames: 1 }).frameList[0]!)
    page.store16(gref * 8, GrantFlag.transitive)
    page.store16(gref * 8 + 2, a.domid)
    page.store(gref * 4 + 2, 8)
    expect(dom0.copy([b, gref], dom0.frame(0), 1)).toBe('GNTST_eagain')
    expect(dom0.copy(dom0.frame(0), [b, gref], 1)).toBe('GNTST_eagain')
    expect(pins(b, gref)).toMatchObject({ hostWriters: 1, hostReaders: 0 })
    expect(pins(a, ref(8))).toMatchObject({ hostWriters: 0, hostReaders: 0 })
    expect(a.marks(ref(8))).toBe(0)
    expect(dom0.unmap(handle)).toBe('GNTST_okay')
    expect(b.marks(gref)).toBe(0)
    expect(dom0.copy([b, gref], dom0.frame(0), 1)).toBe('GNTST_okay')
  })

  test('XSA-411: every entry of a list has its status, whatever stands before it', () => {
    const { dom0, b } = passedOn()
    b.v2.grantTransitive(ref(21), dom0.domid, { domid: b.domid, ref: ref(21) }, 'writable')
    const op = (gref: number) => ({
      source: { at: ref(gref), domid: b.domid, offset: 0 },
      dest: { at: dom0.frame(0), domid: DOMID_SELF, offset: 0 },
      len: 1,
      flags: GrantCopyFlag.sourceGref,
    })
    const statuses = dom0.op.copy(Array.from({ length: 150 }, (_, i) => op(i % 2 === 0 ? 21 : 8)))
    expect(names(statuses)).toEqual(
      Array.from({ length: 150 }, (_, i) => (i % 2 === 0 ? 'GNTST_general_error' : 'GNTST_okay')),
    )
  })
})

test('rule 71: the platform’s own copies obey the same limits', () => {
  const { machine, a, b } = grantDomains(2)
  const dom0 = machine.attach(0 as Domid, { grantVersion: 2 })
  a.v2.grantSubPage(ref(8), dom0.domid, { frame: a.frame(0), offset: 100, length: 50 }, 'read-only')
  a.grant(b, 1)
  b.v2.grantTransitive(ref(9), dom0.domid, { domid: a.domid, ref: ref(9) }, 'writable')
  a.bytes(0)[120] = 5
  const byte = new Uint8Array(1)
  dom0.mapper.copyFrom(a.domid, { ref: ref(8), offset: 120 }, byte)
  expect(byte[0]).toBe(5)
  expect(() => dom0.mapper.copyFrom(a.domid, { ref: ref(8), offset: 150 }, byte)).toThrow(/GNTST_general_error/)
  expect(() => dom0.mapper.copyTo(a.domid, byte, { ref: ref(8), offset: 120 })).toThrow(/GNTST_general_error/)
  dom0.mapper.copyTo(b.domid, byte, { ref: ref(9), offset: 7 })
  expect(a.bytes(1)[7]).toBe(5)
  expect([a.marks(ref(8)), a.marks(ref(9)), b.marks(ref(9))]).toEqual([0, 0, 0])
})
