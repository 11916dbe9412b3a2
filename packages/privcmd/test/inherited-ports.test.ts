import type { Domid, Port } from '@split-driver/abi'
import { Inspection, Machine } from '@split-driver/emulator'
import { PrivcmdPlatform } from '@split-driver/privcmd'
import { expect, test } from 'vitest'
import { EmulatedNodes } from './support/emulated-nodes.js'

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** A program in dom0 with a port to a guest; the guest, and what the kernel shows to whoever is in the process. */
const connected = async () => {
  const machine = Machine.create({ mode: 'inline', memoryMiB: 64, maxDomains: 8 })
  const kernel = machine.attach(machine.buildControlDomain().domid)
  const guest = machine.attach(machine.buildGuest().domid)
  const connectStore = () => expect.unreachable('nobody asks XenStore')
  const nodes = new EmulatedNodes({ platform: kernel, connectStore, inspection: new Inspection(machine) })
  const open = (evtchnFd?: number) => PrivcmdPlatform.open({ systemCalls: nodes, xenstore: 'none', evtchnFd })
  const before = await open()
  const remotePort = guest.events.bindUnboundPort(kernel.domid)
  const port = before.events.bindInterdomain(guest.domid, remotePort)
  return { machine, nodes, guest, open, before, port, remotePort }
}

test('a port goes on in the next program: no event is lost, and the peer notices nothing', async () => {
  const { nodes, guest, open, before, port, remotePort } = await connected()
  // Taken off the node, and its work not done.
  const taken: Port[] = []
  before.events.listen(port, (each) => taken.push(each))
  while (taken.length === 0) await nextTurn()
  const fd = before.events.bequeath()
  nodes.execute([fd])

  const after = await open(fd)
  expect(after.inheritedPorts!.adopt(guest.domid, port)).toBe(remotePort)
  let told = 0
  after.events.listen(port, (each) => {
    told++
    after.events.eoi(each)
  })
  while (told === 0) await nextTurn()
  guest.events.notify(remotePort)
  while (told === 1) await nextTurn()
  let answered = 0
  guest.events.listen(remotePort, () => answered++)
  after.events.notify(port)
  while (answered === 0) await nextTurn()
  await after[Symbol.asyncDispose]()
  expect(nodes.ledger()).toEqual([])
})

test('a port whose other end was closed is ours all the same', async () => {
  const { nodes, guest, open, before, port, remotePort } = await connected()
  guest.events.unbind(remotePort)
  const fd = before.events.bequeath()
  nodes.execute([fd])
  await using after = await open(fd)
  expect(after.inheritedPorts!.adopt(guest.domid, port)).toBeUndefined()
  expect(after.events.openPorts()).toEqual([port])
})

test('EINVAL: a port that is closed, or leads to another domain', async () => {
  const { nodes, guest, open, before, port } = await connected()
  const fd = before.events.bequeath()
  nodes.execute([fd])
  await using after = await open(fd)
  const adopting = (domid: Domid, wrong: Port) => () => after.inheritedPorts!.adopt(domid, wrong)
  expect(adopting(guest.domid, 99 as Port)).toThrow(expect.objectContaining({ code: 'EINVAL' }))
  expect(adopting((guest.domid + 1) as Domid, port)).toThrow(
    `EINVAL: port ${port} does not lead to domain ${guest.domid + 1}`,
  )
  expect(after.events.openPorts()).toEqual([])
})

test('who was left nothing has nothing to go on with', async () => {
  const { before } = await connected()
  expect(before.inheritedPorts).toBeUndefined()
  await before[Symbol.asyncDispose]()
})
