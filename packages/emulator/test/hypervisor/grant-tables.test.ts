import { DOMID_SELF, type Domid, type FrameNumber, type GrantRef, PAGE_BYTES, XenError } from '@split-driver/abi'
import { GrantCacheFlag, GrantFlag } from '@split-driver/grant'
import { describe, expect, test } from 'vitest'
import { FrameOwner } from '../../src/hypervisor/machine-layout.js'
import { type GrantDomain, grantDomains, nameOf, names } from './grant-domains.js'

const ref = (value: number) => value as GrantRef
const NOBODY = 0x7fee as Domid

/** All frames of the machine but `left` are taken. */
const exhaust = ({ machine }: ReturnType<typeof grantDomains>, left: number): void => {
  const { frames } = machine.xen
  const free = frames.countFree() - left
  for (let i = 0; i < free; i++) frames.allocate(1, FrameOwner.Hypervisor)
}

const codeOf = (action: () => void): string => {
  try {
    action()
    return 'done'
  } catch (error) {
    return error instanceof XenError ? error.code : String(error)
  }
}

describe('GNTTABOP_setup_table, query_size and get_status_frames', () => {
  test.each([1, 2] as const)(
    'version %i: a table begins with one frame, grows when asked, and never shrinks',
    (version) => {
      const { a } = grantDomains(version, { maxGrantFrames: 10 })
      const size = () => a.op.querySize(DOMID_SELF)
      expect(size()).toEqual({ status: 0, nrFrames: 1, maxNrFrames: 10 })
      const setup = (nrFrames: number) => a.op.setupTable({ dom: DOMID_SELF, nrFrames })
      const frames = setup(3).frameList
      expect(new Set(frames).size).toBe(3)
      expect(size().nrFrames).toBe(3)
      expect(setup(0)).toEqual({ status: 0, frameList: [] })
      expect(setup(1).frameList).toEqual(frames.slice(0, 1))
      expect(size().nrFrames).toBe(3)
      expect(nameOf(setup(11).status)).toBe('GNTST_general_error')
      expect(nameOf(setup(-1).status)).toBe('GNTST_general_error')
      expect(nameOf(setup(2 ** 32).status)).toBe('GNTST_general_error')
      expect(size().nrFrames).toBe(3)
      expect(setup(10).frameList.slice(0, 3)).toEqual(frames)
    },
  )

  test('version 2: a status frame for every 8 grant frames, none in version 1', () => {
    const { a, b } = grantDomains(2)
    const statuses = (of: GrantDomain, nrFrames: number) => of.op.getStatusFrames({ dom: DOMID_SELF, nrFrames })
    expect(statuses(a, 1).frameList).toHaveLength(1)
    expect(nameOf(statuses(a, 2).status)).toBe('GNTST_general_error')
    a.op.setupTable({ dom: DOMID_SELF, nrFrames: 9 })
    expect(statuses(a, 2).frameList).toHaveLength(2)
    b.op.setVersion(1)
    expect(nameOf(statuses(b, 1).status)).toBe('GNTST_general_error')
    expect(statuses(b, 0)).toEqual({ status: 0, frameList: [] })
  })

  test('GNTST_bad_domain and GNTST_permission_denied: nobody’s table, and another’s without privilege', () => {
    const { dom0, a, b } = grantDomains(2)
    for (const dom of [NOBODY, b.domid]) {
      const expected = dom === NOBODY ? 'GNTST_bad_domain' : 'GNTST_permission_denied'
      expect(nameOf(a.op.setupTable({ dom, nrFrames: 1 }).status)).toBe(expected)
      expect(nameOf(a.op.getStatusFrames({ dom, nrFrames: 1 }).status)).toBe(expected)
      expect(nameOf(a.op.querySize(dom).status)).toBe(expected)
    }
    expect(codeOf(() => a.op.getVersion(NOBODY))).toBe('ESRCH')
    expect(codeOf(() => a.op.getVersion(b.domid))).toBe('EPERM')
    expect(dom0.op.getVersion(b.domid)).toBe(2)
    expect(dom0.op.setupTable({ dom: b.domid, nrFrames: 2 }).frameList).toHaveLength(2)
    expect(b.op.querySize(b.domid).nrFrames).toBe(2)
  })

  test.each([1, 2] as const)('version %i: without memory GNTST_general_error, and nothing has grown', (version) => {
    const world = grantDomains(version)
    const { a, machine } = world
    exhaust(world, 3)
    expect(nameOf(a.op.setupTable({ dom: DOMID_SELF, nrFrames: 9 }).status)).toBe('GNTST_general_error')
    expect(a.op.querySize(DOMID_SELF).nrFrames).toBe(1)
    expect(machine.xen.frames.countFree()).toBe(3)
    expect(nameOf(a.op.setupTable({ dom: DOMID_SELF, nrFrames: 4 }).status)).toBe('GNTST_okay')
  })

  test('version 2: without memory for statuses GNTST_general_error, and the grant frames are given back', () => {
    const world = grantDomains(2)
    world.a.op.setupTable({ dom: DOMID_SELF, nrFrames: 8 })
    exhaust(world, 1)
    expect(nameOf(world.a.op.setupTable({ dom: DOMID_SELF, nrFrames: 9 }).status)).toBe('GNTST_general_error')
    expect(world.a.op.querySize(DOMID_SELF).nrFrames).toBe(8)
    expect(world.machine.xen.frames.countFree()).toBe(1)
  })

  test('a page of the table can be had by its frame, and no other', () => {
    const { a, b } = grantDomains()
    expect(() => a.op.page(a.frame(0))).toThrow(RangeError)
    expect(() => a.op.page(b.op.setupTable({ dom: DOMID_SELF, nrFrames: 1 }).frameList[0]!)).toThrow(RangeError)
    expect(() => a.op.page(0 as FrameNumber)).toThrow(RangeError)
  })
})

describe('GNTTABOP_set_version', () => {
  test('there and back, what the toolstack granted stays, and all else is cleared', () => {
    const { machine, dom0, a } = grantDomains()
    const before = a.table.query(ref(1))
    a.grant(dom0, 0)
    const mapped = dom0.map(a.domid, ref(1))
    for (const version of [2, 1] as const) {
      a.op.setVersion(version)
      expect(a.op.getVersion(DOMID_SELF)).toBe(version)
      const table = a.open(version)
      expect(table.query(ref(1))).toMatchObject({ ...before, flags: before.flags | 0x18, inUse: true })
      expect(table.query(ref(8)).flags).toBe(0)
      expect(table.entryCount).toBe(version === 1 ? 512 : 256)
    }
    dom0.unmap(mapped.handle)
    expect(a.open(1).query(ref(1))).toEqual(before)
    expect(machine.ledger()).toEqual([])
  })

  test('EINVAL for a version that is none; one’s own again changes nothing', () => {
    const { dom0, a } = grantDomains()
    for (const version of [0, 3, -1, 1.5]) expect(codeOf(() => a.op.setVersion(version))).toBe('EINVAL')
    a.grant(dom0, 0)
    expect(codeOf(() => a.op.setVersion(1))).toBe('done')
    expect(a.table.query(ref(8)).flags).toBe(GrantFlag.permitAccess)
  })

  test.each([1, 2] as const)('G4, EBUSY: from version %i not while an entry is mapped, or copied from', (version) => {
    const { dom0, a } = grantDomains(version)
    const gref = a.grant(dom0, 0)
    const { handle } = dom0.map(a.domid, gref)
    const other = version === 1 ? 2 : 1
    expect(codeOf(() => a.op.setVersion(other))).toBe('EBUSY')
    expect(a.op.getVersion(DOMID_SELF)).toBe(version)
    expect(a.table.query(gref)).toMatchObject({ domid: dom0.domid, frame: a.frame(0), inUse: true })
    dom0.unmap(handle)
    expect(codeOf(() => a.op.setVersion(other))).toBe('done')
  })

  test('ERANGE: an entry of the toolstack’s that version 1 cannot say', () => {
    const { dom0, a } = grantDomains(2)
    a.v2.grantTransitive(ref(5), dom0.domid, { domid: dom0.domid, ref: ref(8) }, 'writable')
    expect(codeOf(() => a.op.setVersion(1))).toBe('ERANGE')
    a.v2.endAccess(ref(5))
    a.v2.grantAccess(ref(5), dom0.domid, (2 ** 32) as FrameNumber, 'writable')
    expect(codeOf(() => a.op.setVersion(1))).toBe('ERANGE')
    expect(a.op.getVersion(DOMID_SELF)).toBe(2)
    a.v2.endAccess(ref(5))
    a.op.page(a.op.setupTable({ dom: DOMID_SELF, nrFrames: 1 }).frameList[0]!).store16(5 * 8, GrantFlag.acceptTransfer)
    expect(codeOf(() => a.op.setVersion(1))).toBe('done')
    expect(a.open(1).query(ref(5)).flags).toBe(0)
  })

  test('ENOMEM: no memory for statuses; the version stays', () => {
    const world = grantDomains(1)
    exhaust(world, 0)
    expect(codeOf(() => world.a.op.setVersion(2))).toBe('ENOMEM')
    expect(world.a.op.getVersion(DOMID_SELF)).toBe(1)
  })

  test('G4, XSA-379: status pages that were given back are out of the guest’s reach', () => {
    const { a, machine } = grantDomains(2)
    const free = machine.xen.frames.countFree()
    const [status] = a.op.getStatusFrames({ dom: DOMID_SELF, nrFrames: 1 }).frameList
    const page = a.op.page(status!)
    a.op.setVersion(1)
    expect(machine.xen.frames.countFree()).toBe(free + 1)
    expect(() => page.store(0, -1)).toThrow(/USE_AFTER_UNMAP/)
    expect(() => a.op.page(status!)).toThrow(RangeError)
  })

  test('G4: a table that shrinks by its version leaves no reference beyond its end', () => {
    const { dom0, a } = grantDomains(1)
    a.table.grantAccess(ref(300), dom0.domid, a.frame(0), 'writable')
    expect(dom0.tryMap(a.domid, 300)).toBe('GNTST_okay')
    a.op.setVersion(2)
    expect(dom0.tryMap(a.domid, 300)).toBe('GNTST_bad_gntref')
    a.op.setVersion(1)
    expect(dom0.tryMap(a.domid, 300)).toBe('GNTST_general_error')
  })
})

describe.each([1, 2] as const)('GNTTABOP_swap_grant_ref, version %i', (version) => {
  const swap = (of: GrantDomain, refA: number, refB: number) =>
    nameOf(of.op.swapGrantRef([{ refA: ref(refA), refB: ref(refB) }])[0]!)

  test('GNTST_okay: each entry stands in the other’s place', () => {
    const { dom0, a } = grantDomains(version)
    a.grant(dom0, 0)
    a.grant(dom0, 3, 'read-only')
    const [eight, eleven] = [a.table.query(ref(8)), a.table.query(ref(11))]
    expect(swap(a, 8, 11)).toBe('GNTST_okay')
    expect([a.table.query(ref(11)), a.table.query(ref(8))]).toEqual([eight, eleven])
    expect(swap(a, 8, 8)).toBe('GNTST_okay')
    expect(dom0.tryMap(a.domid, 11)).toBe('GNTST_okay')
  })

  test('GNTST_bad_gntref beyond the table, GNTST_eagain while either is in use', () => {
    const { dom0, a } = grantDomains(version)
    const { handle } = dom0.map(a.domid, a.grant(dom0, 0))
    expect(swap(a, 8, 9999)).toBe('GNTST_bad_gntref')
    expect(swap(a, -1, 8)).toBe('GNTST_bad_gntref')
    expect([swap(a, 8, 9), swap(a, 9, 8)]).toEqual(['GNTST_eagain', 'GNTST_eagain'])
    expect(swap(a, 8, 8)).toBe('GNTST_okay')
    dom0.unmap(handle)
    expect(swap(a, 8, 9)).toBe('GNTST_okay')
  })
})

describe('GNTTABOP_transfer, as Xen answers a domain whose memory is translated', () => {
  test('GNTST_general_error for a page of one’s own, which stays; GNTST_bad_page for any other', () => {
    const { a, b } = grantDomains()
    a.op.page(a.op.setupTable({ dom: DOMID_SELF, nrFrames: 1 }).frameList[0]!).store16(8 * 4, GrantFlag.acceptTransfer)
    const frames = [b.frame(0), a.frame(0), 2 ** 31, 0]
    const ops = frames.map((mfn) => ({ mfn: mfn as FrameNumber, domid: a.domid, ref: ref(8) }))
    expect(names(b.op.transfer(ops))).toEqual([
      'GNTST_general_error',
      'GNTST_bad_page',
      'GNTST_bad_page',
      'GNTST_bad_page',
    ])
    b.bytes(0)[0] = 1
    expect(b.copy(b.frame(0), b.frame(1), 1)).toBe('GNTST_okay')
  })
})

describe('GNTTABOP_cache_flush, as Xen answers on x86', () => {
  const { clean, inval, sourceGref } = GrantCacheFlag
  const flush = (by: GrantDomain, frame: number, op: number = clean, offset = 0, length = 64) =>
    codeOf(() => by.op.cacheFlush([{ devBusAddr: frame * PAGE_BYTES, offset, length, op }]))

  test('a page of one’s own, or of another’s while one uses it through a grant', () => {
    const { dom0, a, b } = grantDomains()
    expect(flush(a, a.frame(0))).toBe('done')
    expect(flush(a, a.frame(0), clean | inval)).toBe('done')
    expect(flush(a, a.frame(0), inval)).toBe('EOPNOTSUPP')
    a.op.setupTable({ dom: DOMID_SELF, nrFrames: 12 })
    const last = ref(12 * 512 - 1)
    a.open(1).grantAccess(last, dom0.domid, a.frame(3), 'writable')
    expect(flush(dom0, a.frame(3))).toBe('EINVAL')
    const { handle } = dom0.map(a.domid, last)
    expect(flush(dom0, a.frame(3))).toBe('done')
    expect(flush(b, a.frame(3))).toBe('EINVAL')
    expect(flush(dom0, a.frame(4))).toBe('EINVAL')
    dom0.unmap(handle)
    expect(flush(dom0, a.frame(3))).toBe('EINVAL')
  })

  test('EINVAL, EPERM: ranges, operations and frames that cannot be; nothing to do is done', () => {
    const { machine, a } = grantDomains()
    expect(flush(a, a.frame(0), clean, 4096, 0)).toBe('EINVAL')
    expect(flush(a, a.frame(0), clean, 4000, 97)).toBe('EINVAL')
    expect(flush(a, a.frame(0), sourceGref | clean)).toBe('EINVAL')
    expect(flush(a, a.frame(0), 4)).toBe('EINVAL')
    expect(flush(a, 2 ** 40, clean, 0, 0)).toBe('done')
    expect(flush(a, 2 ** 40, 0)).toBe('done')
    expect(flush(a, 2 ** 40)).toBe('EINVAL')
    expect(flush(a, 0)).toBe('EPERM')
    expect(flush(a, machine.memory.frameCount - 1)).toBe('EPERM')
  })
})
