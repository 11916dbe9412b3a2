import type { Domid, GrantRef, Port } from '@split-driver/abi'
import { Inspection, Machine, type MachineOptions } from '@split-driver/emulator'
import { expect, test } from 'vitest'
import { settle } from './pair.js'

const machineWithTwo = (attaching: NonNullable<MachineOptions['attaching']> = {}) => {
  const machine = Machine.create({ memoryMiB: 32, attaching })
  const dom0 = machine.attach(machine.buildControlDomain().domid)
  const guest = machine.attach(machine.buildGuest().domid)
  return { machine, dom0, guest }
}

test.each(['two-level', 'fifo'] as const)(
  '%s: of a port one sees its other end, and an event until its end',
  async (eventAbi) => {
    const { machine, dom0, guest } = machineWithTwo({ eventAbi })
    const inspection = new Inspection(machine)
    const offered = guest.events.bindUnboundPort(dom0.domid)
    const unbound = {
      port: offered,
      is: 'unbound',
      remoteDomid: dom0.domid,
      remotePort: 0,
      pending: false,
      masked: true,
    }
    expect(inspection.port(guest.domid, offered)).toEqual(unbound)
    const bound = dom0.events.bindInterdomain(guest.domid, offered)
    guest.events.listen(offered, () => {})
    await settle()
    const idle = {
      port: offered,
      is: 'interdomain',
      remoteDomid: dom0.domid,
      remotePort: bound,
      pending: false,
      masked: false,
    }
    expect(inspection.port(guest.domid, offered)).toEqual(idle)
    expect(inspection.port(dom0.domid, bound)).toMatchObject({
      remoteDomid: guest.domid,
      remotePort: offered,
      pending: true,
    })
    dom0.events.notify(bound)
    expect(inspection.port(guest.domid, offered)).toEqual({ ...idle, pending: true })
    await settle()
    expect(inspection.port(guest.domid, offered)).toEqual({ ...idle, masked: true })
    guest.events.eoi(offered)
    expect(inspection.port(guest.domid, offered)).toEqual(idle)
    guest.events.unbind(offered)
    expect(inspection.port(guest.domid, offered)).toBeUndefined()
    expect(inspection.port(77 as Domid, 1 as Port)).toBeUndefined()
    dom0.events.unbind(bound)
    expect(machine.ledger()).toEqual([])
  },
)

test.each([1, 2] as const)(
  'grant table version %i: to whom, who holds it how, and what is in the pages',
  (grantVersion) => {
    const { machine, dom0, guest } = machineWithTwo({ grantVersion })
    const inspection = new Inspection(machine)
    const pages = guest.sharer.share(dom0.domid, 2, 'read-only')
    pages.memory.store(0, 11)
    pages.memory.store(1024, 22)
    const grant = (ref: GrantRef) => inspection.grants(guest.domid).find((each) => each.ref === ref)
    const [first, second] = pages.refs as [GrantRef, GrantRef]
    expect(grant(first)).toEqual({ ref: first, remoteDomid: dom0.domid, access: 'read-only', holders: [] })
    const mappings = [
      dom0.mapper.map(guest.domid, [second], 'read-only'),
      dom0.mapper.map(guest.domid, [second], 'read-only'),
    ]
    const holder = { domid: dom0.domid, access: 'read-only' }
    expect(grant(second)?.holders).toEqual([holder, holder])
    const copy = inspection.copyGranted(guest.domid, pages.refs)
    expect(copy).toHaveLength(2048)
    expect([copy?.[0], copy?.[1024]]).toEqual([11, 22])
    pages.memory.store(0, 12)
    expect(copy?.[0]).toBe(11)
    for (const mapping of mappings) dom0.mapper.unmap(mapping)
    guest.sharer.unshare(pages)
    expect(grant(second)).toBeUndefined()
    expect(inspection.copyGranted(guest.domid, [second])).toBeUndefined()
    expect(inspection.copyGranted(guest.domid, [1_000_000 as GrantRef])).toBeUndefined()
    expect(inspection.grants(77 as Domid)).toEqual([])
    expect(machine.ledger()).toEqual([])
  },
)

test('a page that is another domain’s is not shown, whatever the guest wrote into its table', () => {
  const { machine, dom0, guest } = machineWithTwo()
  const inspection = new Inspection(machine)
  const pages = guest.sharer.share(dom0.domid, 1, 'writable')
  const record = machine.xen.domains.record(guest.domid)
  const entry = machine.xen.tables.grants.frameAt(record, 0) * 1024 + pages.refs[0]! * 2
  const own = machine.memory.words[entry + 1]!
  for (const frame of [0, dom0.start.sharedInfo, 2 ** 32 - 1]) {
    machine.memory.words[entry + 1] = frame
    expect(inspection.copyGranted(guest.domid, pages.refs)).toBeUndefined()
  }
  machine.memory.words[entry + 1] = own
  guest.sharer.unshare(pages)
})
