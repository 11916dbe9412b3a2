import type { Domid, Port } from '@split-driver/abi'
import { Inspection, Machine } from '@split-driver/emulator'
import { PrivcmdPlatform } from '@split-driver/privcmd'
import { describe, expect, test } from 'vitest'
import { DeviceNode } from '../src/device-node.js'
import { PrivcmdEventChannels } from '../src/event-channels.js'
import { HostClock } from '../src/host-clock.js'
import { EmulatedNodes } from './support/emulated-nodes.js'
import { hex, ScriptedCalls, words } from './support/scripted-calls.js'

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

test('EINVAL: a port that another open node has', async () => {
  const { nodes, guest, open, before } = await connected()
  const another = await open()
  const port = another.events.bindInterdomain(guest.domid, guest.events.bindUnboundPort(0 as Domid))
  const fd = before.events.bequeath()
  nodes.execute([fd, another.events.bequeath()])
  await using after = await open(fd)
  expect(() => after.inheritedPorts!.adopt(guest.domid, port)).toThrow(expect.objectContaining({ code: 'EINVAL' }))
  expect(after.events.openPorts()).toEqual([])
})

test('who was left nothing has nothing to go on with', async () => {
  const { before } = await connected()
  expect(before.inheritedPorts).toBeUndefined()
  await before[Symbol.asyncDispose]()
})

const BIND_UNBOUND_PORT = 0x4_4502
const UNBIND = '44503'

const SELF = 7 as Domid
const PEER = 3 as Domid

/** @param ports what binding answers, one after the other */
const scripted = (ports: number[]) => {
  const calls = new ScriptedCalls()
  calls.answers.set(BIND_UNBOUND_PORT, () => ports.shift()!)
  const node = DeviceNode.open(calls, '/dev/xen/evtchn', (_, error) => error)
  calls.take()
  return { calls, events: new PrivcmdEventChannels(node, SELF, 'event-loop', new HostClock()) }
}

/** Listens, and ends each interrupt by itself unless told not to. */
const listening = (events: PrivcmdEventChannels, port: Port, ends = true): Port[] => {
  const told: Port[] = []
  events.listen(port, (each) => {
    told.push(each)
    if (ends) events.eoi(each)
  })
  return told
}

describe('what the kernel is asked when another program in the process takes over', () => {
  test('it goes on with a port by the open node, and hears of it once without an event', async () => {
    const { calls, events } = scripted([])
    const fd = events.bequeath()
    const next = new PrivcmdEventChannels(
      DeviceNode.adopt(calls, '/dev/xen/evtchn', fd),
      SELF,
      'event-loop',
      new HostClock(),
    )
    next.adopt(8 as Port, PEER)
    expect(next.openPorts()).toEqual([8])
    const told = listening(next, 8 as Port)
    expect(told).toEqual([])
    await nextTurn()
    expect(told).toEqual([8])
    expect(calls.take(), 'it may have been masked by who had it before').toEqual(['adopt', `write ${hex(8)}`])
    expect(() => next.adopt(8 as Port, PEER)).toThrow(expect.objectContaining({ code: 'EEXIST' }))
    next.unbind(8 as Port)
    expect(calls.take()).toEqual([`ioctl ${UNBIND} ${hex(8)}`])
  })

  test('it is told of what was taken off the node: it is given back, whether its work has begun or not', () => {
    const { calls, events } = scripted([8, 9, 10])
    const told = listening(events, events.bindUnboundPort(PEER), false)
    events.bindUnboundPort(PEER)
    events.bindUnboundPort(PEER)
    calls.reads.push(words(8, 9))
    calls.readable!()
    calls.take()
    events.bequeath()
    expect(calls.take()).toEqual([`write ${hex(8)}`, `write ${hex(9)}`])
    // It did not come to it: this program goes on, and what comes again meanwhile waits for the end of interrupt.
    calls.reads.push(words(8))
    calls.readable!()
    expect(told).toEqual([8])
    events.eoi(8 as Port)
    expect(told).toEqual([8, 8])
    events.eoi(8 as Port)
    expect(calls.take()).toEqual([`write ${hex(8)}`])
  })

  test('it says so if nothing is open by the number that it was told', () => {
    expect(() => DeviceNode.adopt(new ScriptedCalls(), '/dev/xen/evtchn', 9)).toThrow(
      expect.objectContaining({ code: 'EIO', message: expect.stringContaining('not open as descriptor 9') }),
    )
  })
})
