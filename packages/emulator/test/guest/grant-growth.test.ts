import { DOM0, DOMID_SELF, PAGE_BYTES } from '@split-driver/abi'
import { Machine } from '@split-driver/emulator'
import { describe, expect, test } from 'vitest'
import { grantDomains, HOST } from '../hypervisor/grant-domains.js'

describe.each([1, 2] as const)('a table that grows, version %i', (grantVersion) => {
  const boot = (memoryMiB = 32) => {
    const machine = Machine.create({ memoryMiB, maxDomains: 4, attaching: { grantVersion } })
    const dom0 = machine.attach(machine.buildControlDomain().domid)
    const guest = machine.attach(machine.buildGuest({ memoryPages: 2048, maxGrantFrames: 3 }).domid)
    const frames = () => guest.hypercalls.grantTable.querySize(DOMID_SELF).nrFrames
    return { machine, dom0, guest, frames }
  }
  const perFrame = grantVersion === 1 ? 512 : 256

  test('rule 72: a domain begins with one frame of grants, and gets another when it is full', () => {
    const { machine, dom0, guest, frames } = boot()
    expect(frames()).toBe(1)
    const first = guest.sharer.share(DOM0, perFrame - 8, 'writable')
    expect(frames()).toBe(1)
    const second = guest.sharer.share(DOM0, perFrame + 1, 'writable')
    expect(frames()).toBe(3)
    second.memory.store((perFrame * PAGE_BYTES) / 4, 77)
    const mapping = dom0.mapper.map(guest.domid, second.refs.slice(-1), 'writable')
    expect(mapping.memory.load(0)).toBe(77)
    dom0.mapper.unmap(mapping)
    for (const pages of [first, second]) expect(guest.sharer.unshare(pages)).toBe(0)
    expect(machine.ledger()).toEqual([])
  })

  test('ENOSPC at the domain’s limit; nothing is granted then, and what is given back can be had again', () => {
    const { machine, guest } = boot()
    const room = 3 * perFrame - 8
    expect(() => guest.sharer.share(DOM0, room + 1, 'writable')).toThrow(/ENOSPC/)
    expect(machine.ledger()).toEqual([])
    const pages = guest.sharer.share(DOM0, room, 'writable')
    expect(() => guest.sharer.share(DOM0, 1, 'writable')).toThrow(/ENOSPC/)
    guest.sharer.unshare(pages)
    expect(guest.sharer.share(DOM0, room, 'writable').refs).toHaveLength(room)
  })

  test('ENOSPC when the machine has no frame to let it grow', () => {
    const { machine, guest, frames } = boot()
    const { frames: table } = machine.xen
    for (let left = table.countFree(); left > 0; left--) table.allocate(1, 1)
    expect(() => guest.sharer.share(DOM0, perFrame, 'writable')).toThrow(/ENOSPC/)
    expect(frames()).toBe(1)
  })

  test('a page that is still mapped is set aside, and a table of either version frees it when it is let go', () => {
    const { machine, dom0, guest } = boot()
    const pages = guest.sharer.share(DOM0, 2, 'writable')
    const mapping = dom0.mapper.map(guest.domid, pages.refs.slice(0, 1), 'writable')
    expect(guest.sharer.unshare(pages)).toBe(1)
    expect(machine.ledger().map(({ kind }) => kind)).toEqual(['mapping', 'grant'])
    dom0.mapper.unmap(mapping)
    expect(guest.sharer.reclaim()).toBe(0)
    expect(machine.ledger()).toEqual([])
  })
})

describe('long lists', () => {
  test('let go of the lock now and then, so that others have their turn', () => {
    const { machine, dom0, a } = grantDomains()
    const ref = a.grant(dom0, 0)
    let turns = 0
    const { xen } = machine
    const leave = xen.leave.bind(xen)
    xen.leave = () => {
      turns++
      leave()
    }
    const op = { dom: a.domid, ref, flags: 2, hostAddr: HOST }
    const mapped = dom0.op.mapGrantRef(Array(100).fill(op))
    expect(turns).toBe(2)
    dom0.op.unmapGrantRef(mapped.map(({ handle }) => ({ handle, hostAddr: HOST, devBusAddr: 0 })))
    expect(turns).toBe(4)
    const platform = machine.attach(DOM0)
    turns = 0
    platform.mapper.unmap(platform.mapper.map(a.domid, Array(120).fill(ref), 'writable'))
    expect(turns).toBe(4)
  })

  test('G1: a list that fails half-way leaves nothing mapped, however many turns it took', () => {
    const { machine, dom0, a } = grantDomains()
    const refs = [...Array(100).fill(a.grant(dom0, 0)), 9999]
    const platform = machine.attach(DOM0)
    expect(() => platform.mapper.map(a.domid, refs, 'writable')).toThrow(
      expect.objectContaining({ code: 'GNTST_bad_gntref', detail: expect.objectContaining({ index: 100 }) }),
    )
    expect(machine.calls.grants.heldCount(DOM0)).toBe(0)
  })

  test('a dead domain’s mappings are all let go, in turns', () => {
    const { machine, a, b } = grantDomains()
    const refs = Array.from({ length: 40 }, (_, index) => a.grant(b, index))
    for (const ref of refs) b.op.mapGrantRef(Array(125).fill({ dom: a.domid, ref, flags: 2, hostAddr: HOST }))
    expect(machine.calls.grants.heldCount(b.domid)).toBe(5000)
    machine.calls.domains.kill(b.domid)
    machine.calls.domains.reap(b.domid)
    for (const ref of refs) expect(a.table.endAccess(ref)).toBe(true)
    expect(machine.ledger()).toEqual([])
  })
})
