import { DOMID_SELF, type Domid, type FrameNumber, type GrantRef, PAGE_BYTES } from '@split-driver/abi'
import { GrantFlag, GrantMapFlag, type GrantStatus } from '@split-driver/grant'
import { describe, expect, test } from 'vitest'
import { domainRecord } from '../../src/hypervisor/machine-layout.js'
import { grantDomains, HOST, nameOf, names } from './grant-domains.js'

const { hostMap, deviceMap, readonly, applicationMap, containsPte } = GrantMapFlag

describe.each([1, 2] as const)('GNTTABOP_map_grant_ref, version %i', (version) => {
  test('GNTST_okay: a handle, a bus address, marks; the same frame for all mappings of one grant', () => {
    const { dom0, a, pins } = grantDomains(version)
    const ref = a.grant(dom0, 0)
    const first = dom0.map(a.domid, ref, hostMap | readonly)
    expect(first).toMatchObject({ status: 0, devBusAddr: a.frame(0) * PAGE_BYTES })
    expect(a.marks(ref)).toBe(GrantFlag.reading)
    const second = dom0.map(a.domid, ref, hostMap | deviceMap | applicationMap, 2 * HOST)
    expect(second.handle).not.toBe(first.handle)
    expect(a.marks(ref)).toBe(GrantFlag.reading | GrantFlag.writing)
    expect(pins(a, ref)).toEqual({ hostWriters: 1, hostReaders: 1, deviceWriters: 1, deviceReaders: 0 })
    expect(dom0.unmap(second.handle, 2 * HOST, second.devBusAddr)).toBe('GNTST_okay')
    expect(a.marks(ref)).toBe(GrantFlag.reading)
    expect(dom0.unmap(first.handle)).toBe('GNTST_okay')
    expect(a.marks(ref)).toBe(0)
  })

  test('rule 70, GNTST_general_error: not granted, to another, read-only, no access but a transfer', () => {
    const { dom0, a, b } = grantDomains(version)
    expect(dom0.tryMap(a.domid, 8)).toBe('GNTST_general_error')
    const ref = a.grant(dom0, 0, 'read-only')
    expect(b.tryMap(a.domid, ref)).toBe('GNTST_general_error')
    expect(dom0.tryMap(a.domid, ref)).toBe('GNTST_general_error')
    expect(dom0.tryMap(a.domid, ref, hostMap | readonly)).toBe('GNTST_okay')
    expect(a.marks(ref)).toBe(0)
    expect(a.table.endAccess(ref)).toBe(true)
    expect(dom0.tryMap(a.domid, ref, hostMap | readonly)).toBe('GNTST_general_error')
  })

  test('GNTST_general_error: an address that is a page-table entry’s, or that no pages have; nothing stays pinned', () => {
    const { dom0, a, pins } = grantDomains(version)
    const ref = a.grant(dom0, 0)
    expect(dom0.tryMap(a.domid, ref, hostMap | containsPte)).toBe('GNTST_general_error')
    expect(dom0.tryMap(a.domid, ref, hostMap, 2 ** 45)).toBe('GNTST_general_error')
    expect(pins(a, ref).hostWriters).toBe(0)
    expect(a.marks(ref)).toBe(0)
  })

  test('G1, GNTST_bad_gntref: references beyond the table, of whatever size, and a mapping for nobody', () => {
    const { dom0, a } = grantDomains(version)
    const ref = a.grant(dom0, 0)
    const beyond = [version === 1 ? 512 : 256, 2 ** 31, 2 ** 32 - 1, 2 ** 32 + 8, -1, 8.5, Number.NaN]
    for (const bad of beyond) expect([bad, dom0.tryMap(a.domid, bad)]).toEqual([bad, 'GNTST_bad_gntref'])
    for (const flags of [0, readonly, applicationMap | readonly, ~(hostMap | deviceMap)])
      expect(dom0.tryMap(a.domid, ref, flags)).toBe('GNTST_bad_gntref')
  })

  test('GNTST_bad_domain: none, oneself by DOMID_SELF, one that is dying', () => {
    const { machine, dom0, a } = grantDomains(version)
    const ref = a.grant(dom0, 0)
    expect(dom0.tryMap(0x7fee as Domid, ref)).toBe('GNTST_bad_domain')
    expect(dom0.tryMap(DOMID_SELF, ref)).toBe('GNTST_bad_domain')
    machine.calls.domains.kill(a.domid)
    expect(dom0.tryMap(a.domid, ref)).toBe('GNTST_bad_domain')
  })

  test('GNTST_bad_page: frames of others, of the hypervisor, and of nobody; the entry is free again', () => {
    const { machine, dom0, a, b } = grantDomains(version)
    const sharedInfo = machine.xen.domains.get(machine.xen.domains.record(a.domid), domainRecord.sharedInfo)
    const frames = [b.frame(0), 0, sharedInfo, machine.memory.frameCount, 2 ** 32 - 1, machine.memory.frameCount - 1]
    frames.forEach((frame, i) => {
      const ref = (20 + i) as GrantRef
      a.table.grantAccess(ref, dom0.domid, frame as FrameNumber, 'writable')
      expect([frame, dom0.tryMap(a.domid, ref)]).toEqual([frame, 'GNTST_bad_page'])
      expect(a.table.endAccess(ref)).toBe(true)
    })
  })

  test('a domain maps its own grant to itself', () => {
    const { a } = grantDomains(version)
    expect(a.tryMap(a.domid, a.grant(a, 0))).toBe('GNTST_okay')
  })

  test('a list is answered entry by entry, however long', () => {
    const { dom0, a } = grantDomains(version)
    const ref = a.grant(dom0, 0)
    const op = (bad: boolean) => ({ dom: a.domid, ref: (bad ? 9999 : ref) as GrantRef, flags: hostMap, hostAddr: HOST })
    const mapped = dom0.op.mapGrantRef(Array.from({ length: 200 }, (_, i) => op(i % 2 === 1)))
    expect(mapped).toHaveLength(200)
    const expected = mapped.map((_, i) => (i % 2 === 1 ? 'GNTST_bad_gntref' : 'GNTST_okay'))
    expect(names(mapped.map(({ status }) => status))).toEqual(expected)
    const ended = dom0.op.unmapGrantRef(mapped.map(({ handle }) => ({ handle, hostAddr: HOST, devBusAddr: 0 })))
    expect(names(ended.filter((_, i) => i % 2 === 0)).every((name) => name === 'GNTST_okay')).toBe(true)
    expect(a.table.endAccess(ref)).toBe(true)
  })
})

describe.each([1, 2] as const)('GNTTABOP_unmap_grant_ref, version %i', (version) => {
  const mappedBoth = () => {
    const world = grantDomains(version)
    const ref = world.a.grant(world.dom0, 0)
    return { ...world, ref, ...world.dom0.map(world.a.domid, ref, hostMap | deviceMap) }
  }

  test('G2: host and device mapping end one after the other; only then the handle is free and the grant unused', () => {
    for (const order of ['host', 'device'] as const) {
      const { dom0, a, ref, handle, devBusAddr, pins } = mappedBoth()
      const parts: [number, number][] = [
        [HOST, 0],
        [0, devBusAddr],
      ]
      const [first, second] = (order === 'host' ? parts : parts.reverse()) as [[number, number], [number, number]]
      expect(dom0.unmap(handle, ...first)).toBe('GNTST_okay')
      expect(pins(a, ref)).toMatchObject(order === 'host' ? { hostWriters: 0 } : { deviceWriters: 0 })
      expect(a.marks(ref)).toBe(GrantFlag.reading | GrantFlag.writing)
      expect(a.table.endAccess(ref)).toBe(false)
      expect(dom0.unmap(handle, ...first)).toBe('GNTST_okay')
      expect(pins(a, ref)).toMatchObject({ hostWriters: order === 'host' ? 0 : 1 })
      expect(dom0.unmap(handle, ...second)).toBe('GNTST_okay')
      expect(dom0.unmap(handle)).toBe('GNTST_bad_handle')
      expect(a.table.endAccess(ref)).toBe(true)
    }
  })

  test('G2: naming no part ends none, and is no error', () => {
    const { dom0, handle, a, ref, pins } = mappedBoth()
    expect(dom0.unmap(handle, 0, 0)).toBe('GNTST_okay')
    expect(pins(a, ref)).toMatchObject({ hostWriters: 1, deviceWriters: 1 })
  })

  test('GNTST_bad_handle: never given out, given out to another, ended', () => {
    const { dom0, b, handle, devBusAddr } = mappedBoth()
    for (const bad of [handle + 1, 255, 256, 2 ** 31, 2 ** 32 - 1, -1, 0.5])
      expect(dom0.unmap(bad)).toBe('GNTST_bad_handle')
    expect(b.unmap(handle)).toBe('GNTST_bad_handle')
    expect(dom0.unmap(handle, HOST, devBusAddr)).toBe('GNTST_okay')
    expect(dom0.unmap(handle, HOST, devBusAddr)).toBe('GNTST_bad_handle')
  })

  test('GNTST_bad_dev_addr and GNTST_general_error: addresses that are not the mapping’s; nothing ends', () => {
    const { dom0, handle, devBusAddr, a, ref, pins } = mappedBoth()
    expect(dom0.unmap(handle, HOST, devBusAddr + PAGE_BYTES)).toBe('GNTST_bad_dev_addr')
    expect(dom0.unmap(handle, HOST + PAGE_BYTES, devBusAddr)).toBe('GNTST_general_error')
    expect(pins(a, ref)).toMatchObject({ hostWriters: 1, deviceWriters: 1 })
    expect(dom0.unmap(handle, HOST, devBusAddr)).toBe('GNTST_okay')
  })

  test('GNTTABOP_unmap_and_replace ends the host mapping alone', () => {
    const { dom0, handle, devBusAddr, a, ref, pins } = mappedBoth()
    const replace = (hostAddr: number) =>
      dom0.op.unmapAndReplace([{ handle, hostAddr, newAddr: 9 * HOST }])[0] as GrantStatus
    expect(nameOf(replace(HOST + PAGE_BYTES))).toBe('GNTST_general_error')
    expect(nameOf(replace(HOST))).toBe('GNTST_okay')
    expect(pins(a, ref)).toMatchObject({ hostWriters: 0, deviceWriters: 1 })
    expect(dom0.unmap(handle, 0, devBusAddr)).toBe('GNTST_okay')
    expect(nameOf(replace(HOST))).toBe('GNTST_bad_handle')
  })
})

describe('limits of mapping', () => {
  test('G5, GNTST_no_space: handles run out at the domain’s limit, and come back', () => {
    const { dom0, a } = grantDomains(1, { maxMaptrackFrames: 2 })
    const refs = [0, 1, 2, 3, 4].map((index) => a.grant(dom0, index))
    const ops = Array.from({ length: 514 }, (_, i) => ({
      dom: a.domid,
      ref: refs[i % 5]!,
      flags: hostMap,
      hostAddr: HOST,
    }))
    const mapped = dom0.op.mapGrantRef(ops)
    expect(names(mapped.slice(511).map(({ status }) => status))).toEqual([
      'GNTST_okay',
      'GNTST_no_space',
      'GNTST_no_space',
    ])
    const handles = mapped.slice(0, 512).map(({ handle }) => handle)
    expect(new Set(handles).size).toBe(512)
    expect(dom0.unmap(handles[100]!)).toBe('GNTST_okay')
    expect(dom0.map(a.domid, refs[0]!)).toMatchObject({ status: 0, handle: handles[100] })
  })

  test('a handle that was let go comes again last, so that a second unmap of it is found out', () => {
    const { dom0, a } = grantDomains()
    const ref = a.grant(dom0, 0)
    const { handle } = dom0.map(a.domid, ref)
    dom0.unmap(handle)
    for (let i = 0; i < 100; i++) expect(dom0.map(a.domid, ref).handle).not.toBe(handle)
    expect(dom0.unmap(handle)).toBe('GNTST_bad_handle')
  })

  test('G5, GNTST_general_error: one grant is mapped 128 times in a way, and no more', () => {
    const { dom0, a, pins } = grantDomains()
    const ref = a.grant(dom0, 0)
    for (const flags of [hostMap, hostMap | readonly, deviceMap, deviceMap | readonly]) {
      for (let i = 0; i < 128; i++) expect(dom0.map(a.domid, ref, flags).status).toBe(0)
      expect(dom0.tryMap(a.domid, ref, flags)).toBe('GNTST_general_error')
    }
    expect(pins(a, ref)).toEqual({ hostWriters: 128, hostReaders: 128, deviceWriters: 128, deviceReaders: 128 })
    expect(dom0.tryMap(a.domid, ref, hostMap | deviceMap)).toBe('GNTST_general_error')
  })

  test('GNTST_no_space: the machine has no frame left to keep account of grants or mappings', () => {
    const { machine, dom0, a } = grantDomains()
    const ref = a.grant(dom0, 0)
    machine.xen.frames.allocate(machine.xen.frames.countFree(), 1)
    expect(dom0.tryMap(a.domid, ref)).toBe('GNTST_no_space')
  })
})
