import { type GrantRef, PAGE_BYTES } from '@split-driver/abi'
import { describe, expect, test } from 'vitest'
import { header } from '../src/hypervisor/machine-layout.js'
import { machineWithTwo } from './pair.js'

describe('grants', () => {
  test('both ends see the same bytes; the ledger knows of grant and mapping', () => {
    const { dom0, guest, machine } = machineWithTwo()
    const shared = guest.sharer.share(dom0.domid, 3, 'writable')
    const mapping = dom0.mapper.map(guest.domid, shared.refs, 'writable')
    shared.memory.store(2048, 0x1234_5678)
    expect(mapping.memory.load(2048)).toBe(0x1234_5678)
    mapping.page(2).store8(5, 0xab)
    expect(shared.memory.load8(8197)).toBe(0xab)
    expect(machine.ledger().map((entry) => entry.kind)).toEqual([
      ...Array(3).fill('mapping'),
      ...Array(3).fill('grant'),
    ])
    dom0.mapper.unmap(mapping)
    expect(guest.sharer.unshare(shared)).toBe(0)
    expect(machine.ledger()).toEqual([])
  })

  test('pages in any order are seen one after the other', () => {
    const { dom0, guest } = machineWithTwo()
    const shared = guest.sharer.share(dom0.domid, 3, 'writable')
    const mapping = dom0.mapper.map(guest.domid, [shared.refs[2]!, shared.refs[0]!], 'writable')
    shared.memory.store(2048, 7)
    shared.memory.store(0, 8)
    expect([mapping.memory.load(0), mapping.memory.load(1024)]).toEqual([7, 8])
    expect(() => mapping.memory.bytes(4090, 12)).toThrow(RangeError)
    dom0.mapper.unmap(mapping)
    expect(() => mapping.memory.load(0)).toThrow(/USE_AFTER_UNMAP/)
    expect(() => mapping.page(1).load(0)).toThrow(/USE_AFTER_UNMAP/)
  })

  test('rule 69, B8: a page that is still mapped is set aside and never reused before it is let go', () => {
    const { dom0, guest } = machineWithTwo()
    const shared = guest.sharer.share(dom0.domid, 1, 'writable')
    const mapping = dom0.mapper.map(guest.domid, shared.refs, 'writable')
    expect(guest.sharer.unshare(shared)).toBe(1)
    expect(() => shared.memory.load(0)).toThrow(/USE_AFTER_UNMAP/)
    const other = guest.sharer.share(dom0.domid, 1, 'writable')
    other.memory.store(0, 99)
    expect(other.refs).not.toEqual(mapping.refs)
    expect(mapping.memory.load(0)).toBe(0)
    expect(guest.sharer.reclaim()).toBe(1)
    dom0.mapper.unmap(mapping)
    expect(guest.sharer.reclaim()).toBe(0)
  })

  test('rule 70: read-only both ways', () => {
    const { dom0, guest } = machineWithTwo()
    const shared = guest.sharer.share(dom0.domid, 1, 'read-only')
    expect(() => dom0.mapper.map(guest.domid, shared.refs, 'writable')).toThrow(/GNTST_general_error/)
    const mapping = dom0.mapper.map(guest.domid, shared.refs, 'read-only')
    expect(() => mapping.memory.store(0, 1)).toThrow(/READ_ONLY_MAPPING/)
    expect(() => mapping.memory.mutableBytes(0, 8)).toThrow(/READ_ONLY_MAPPING/)
    expect(() => dom0.mapper.copyTo(guest.domid, new Uint8Array(4), { ref: shared.refs[0]!, offset: 0 })).toThrow(
      /GNTST/,
    )
  })

  test('all or nothing: one bad reference leaves no mapping, and is named', () => {
    const { dom0, guest, machine } = machineWithTwo()
    const shared = guest.sharer.share(dom0.domid, 2, 'writable')
    const refs = [...shared.refs, 500 as GrantRef]
    expect(() => dom0.mapper.map(guest.domid, refs, 'writable')).toThrow(
      expect.objectContaining({ code: 'GNTST_general_error', detail: expect.objectContaining({ index: 2 }) }),
    )
    const outside = [shared.refs[0]!, (2 ** 31) as GrantRef]
    expect(() => dom0.mapper.map(guest.domid, outside, 'writable')).toThrow(/GNTST_bad_gntref/)
    expect(machine.ledger().filter((entry) => entry.kind === 'mapping')).toEqual([])
  })

  test('the wrong domain, a dead domain, a handle twice', () => {
    const { dom0, guest, machine } = machineWithTwo()
    const third = machine.attach(machine.buildGuest().domid)
    const shared = guest.sharer.share(dom0.domid, 1, 'writable')
    expect(() => third.mapper.map(guest.domid, shared.refs, 'writable')).toThrow(/GNTST_general_error/)
    const mapping = dom0.mapper.map(guest.domid, shared.refs, 'writable')
    dom0.mapper.unmap(mapping)
    expect(() => dom0.mapper.unmap(mapping)).toThrow(/GNTST_bad_handle/)
    machine.calls.domains.kill(guest.domid)
    expect(() => dom0.mapper.map(guest.domid, shared.refs, 'writable')).toThrow(/GNTST_bad_domain/)
  })

  test('S3: code of a dead domain that still runs reaches nothing of whoever has its frames now', () => {
    const { dom0, machine } = machineWithTwo()
    const doomed = machine.attach(machine.buildGuest().domid)
    const port = doomed.events.bindUnboundPort(dom0.domid)
    const shared = doomed.sharer.share(dom0.domid, 1, 'writable')
    machine.calls.domains.kill(doomed.domid)
    doomed.revoke()
    machine.calls.domains.reap(doomed.domid)
    machine.buildGuest()
    const before = machine.memory.bytes.slice()
    const attempts = [
      () => doomed.sharer.share(dom0.domid, 1, 'writable'),
      () => doomed.sharer.unshare(shared),
      () => doomed.events.listen(port, () => {}),
      () => doomed.events.mask(port),
      () => doomed.events.unmask(port),
      () => doomed.events.unbind(port),
      () => doomed.events.bindUnboundPort(dom0.domid),
    ]
    for (const attempt of attempts) expect(attempt).toThrow(/ESRCH/)
    doomed.events.eoi(port)
    doomed.sharer.reclaim()
    // The lock's words and the wake words are the hypervisor's own; everything from the first domain's frame on is compared.
    const first = machine.memory.words[header.firstFree]! * PAGE_BYTES
    expect(Buffer.compare(machine.memory.bytes.subarray(first), before.subarray(first))).toBe(0)
  })

  test('what a dead domain had mapped is let go, and the ends of its channels are unbound', () => {
    const { dom0, guest, machine } = machineWithTwo()
    const doomed = machine.attach(machine.buildGuest().domid)
    const shared = guest.sharer.share(doomed.domid, 2, 'writable')
    doomed.mapper.map(guest.domid, shared.refs, 'writable')
    const port = dom0.events.bindInterdomain(doomed.domid, doomed.events.bindUnboundPort(dom0.domid))
    machine.calls.domains.kill(doomed.domid)
    machine.calls.domains.reap(doomed.domid)
    expect(guest.sharer.unshare(shared)).toBe(0)
    dom0.events.notify(port)
    dom0.events.unbind(port)
    expect(machine.ledger()).toEqual([])
  })

  test('a dead domain stays a zombie while a page of it is mapped; then all its frames come back', () => {
    const { dom0, guest, machine } = machineWithTwo()
    const others = () => machine.xen.framesOf(dom0.domid) + machine.xen.framesOf(guest.domid)
    const free = machine.xen.frames.countFree() + others()
    const doomed = machine.attach(machine.buildGuest().domid)
    const mapping = dom0.mapper.map(doomed.domid, doomed.sharer.share(dom0.domid, 1, 'writable').refs, 'writable')
    doomed.mapper.map(guest.domid, guest.sharer.share(doomed.domid, 1, 'writable').refs, 'read-only')
    machine.calls.domains.kill(doomed.domid)
    machine.calls.domains.reap(doomed.domid)
    expect(machine.ledger().map((entry) => entry.kind)).toContain('zombie')
    expect(() => doomed.events.bindIpi()).toThrow(/ESRCH/)
    mapping.memory.load(0)
    dom0.mapper.unmap(mapping)
    expect(machine.ledger().map((entry) => entry.kind)).toEqual(['grant'])
    expect(machine.xen.frames.countFree() + others()).toBe(free)
  })
})
