import type { Domid, Port, Virq } from '@split-driver/abi'
import { SystemCallError } from '@split-driver/privcmd'
import { describe, expect, it } from 'vitest'
import { DeviceNode } from '../src/device-node.js'
import { type Delivery, PrivcmdEventChannels } from '../src/event-channels.js'
import { HostClock } from '../src/host-clock.js'
import { hex, refusing, ScriptedCalls, words } from './support/scripted-calls.js'

const BIND_VIRQ = 0x4_4500
const BIND_INTERDOMAIN = 0x8_4501
const BIND_UNBOUND_PORT = 0x4_4502
const UNBIND = 0x4_4503
const NOTIFY = 0x4_4504
const RESET = 0x4505

const SELF = 7 as Domid
const PEER = 3 as Domid

/** @param ports what binding answers, one after the other */
const channels = (ports: number[], delivery: Delivery = 'event-loop') => {
  const calls = new ScriptedCalls()
  for (const request of [BIND_VIRQ, BIND_INTERDOMAIN, BIND_UNBOUND_PORT])
    calls.answers.set(request, () => ports.shift()!)
  const node = DeviceNode.open(calls, '/dev/xen/evtchn', (_, error) => error)
  const events = new PrivcmdEventChannels(node, SELF, delivery, new HostClock())
  calls.take()
  return { calls, events }
}

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** Listens, and ends each interrupt by itself unless told not to. */
const listening = (events: PrivcmdEventChannels, port: Port, ends = true): Port[] => {
  const told: Port[] = []
  events.listen(port, (each) => {
    told.push(each)
    if (ends) events.eoi(each)
  })
  return told
}

describe('binding', () => {
  it('asks for what evtchn.h declares, and the port is the answer', () => {
    const { calls, events } = channels([11, 12, 13])
    expect(events.bindUnboundPort(PEER)).toBe(11)
    expect(events.bindInterdomain(PEER, 40 as Port)).toBe(12)
    expect(events.bindVirq(2 as Virq)).toBe(13)
    events.notify(12 as Port)
    events.unbind(11 as Port)
    expect(calls.take()).toEqual([
      `ioctl 44502 ${hex(PEER)}`,
      `ioctl 84501 ${hex(PEER, 40)}`,
      `ioctl 44500 ${hex(2)}`,
      `ioctl 44504 ${hex(12)}`,
      `ioctl 44503 ${hex(11)}`,
    ])
    expect(events.openPorts()).toEqual([12, 13])
  })

  it('an IPI is a channel between two ports of our own, and takes both with it', async () => {
    const { calls, events } = channels([5, 6])
    const port = events.bindIpi()
    const told = listening(events, port)
    events.notify(port)
    expect(calls.take()).toEqual([`ioctl 44502 ${hex(SELF)}`, `ioctl 84501 ${hex(SELF, 5)}`, `ioctl 44504 ${hex(6)}`])
    calls.reads.push(words(6, 5))
    calls.readable!()
    expect(told).toEqual([5])
    calls.take()
    events.unbind(port)
    expect(calls.take()).toEqual([`ioctl 44503 ${hex(5)}`, `ioctl 44503 ${hex(6)}`])
    expect(events.openPorts()).toEqual([])
  })

  it.each([
    ['ESRCH', 'ESRCH'],
    ['ENOSPC', 'ENOSPC'],
    ['EINVAL', 'EINVAL'],
    ['ENOTTY', 'EIO'],
  ])('what the kernel calls %s is %s here', (errno, code) => {
    const { calls, events } = channels([])
    calls.answers.set(BIND_UNBOUND_PORT, refusing(errno))
    expect(() => events.bindUnboundPort(PEER)).toThrow(expect.objectContaining({ code }))
  })

  it('half an IPI is given back', () => {
    const { calls, events } = channels([5])
    calls.answers.set(BIND_INTERDOMAIN, refusing('ENOSPC'))
    expect(() => events.bindIpi()).toThrow(expect.objectContaining({ code: 'ENOSPC' }))
    expect(calls.take().at(-1)).toBe(`ioctl 44503 ${hex(5)}`)
    expect(events.openPorts()).toEqual([])
  })

  it('a port that is not of this descriptor is EINVAL', () => {
    const { calls, events } = channels([])
    calls.answers.set(NOTIFY, refusing('ENOTCONN'))
    expect(() => events.notify(9 as Port)).toThrow(expect.objectContaining({ code: 'EINVAL' }))
  })
})

describe('delivery', () => {
  it('rule 66: a port that was read is written back at its end of interrupt, and not before', () => {
    const { calls, events } = channels([8])
    const told = listening(events, events.bindUnboundPort(PEER), false)
    calls.take()
    calls.reads.push(words(8))
    calls.readable!()
    expect(told).toEqual([8])
    expect(calls.take()).toEqual([])
    events.eoi(8 as Port)
    events.eoi(8 as Port)
    expect(calls.take()).toEqual([`write ${hex(8)}`])
  })

  it('an event that came before anybody listened, or while it was masked, is kept', () => {
    const { calls, events } = channels([8])
    const port = events.bindUnboundPort(PEER)
    calls.reads.push(words(8))
    calls.readable!()
    const told = listening(events, port)
    expect(told).toEqual([8])
    events.mask(port)
    calls.reads.push(words(8))
    calls.readable!()
    expect(told).toEqual([8])
    events.unmask(port)
    expect(told).toEqual([8, 8])
  })

  it('E2: what the kernel still holds of a port that was unbound is not taken for the next port of that number', () => {
    const { calls, events } = channels([8, 9, 8])
    const gone = events.bindUnboundPort(PEER)
    const other = listening(events, events.bindUnboundPort(PEER))
    calls.reads.push(words(8, 9))
    events.unbind(gone)
    const told = listening(events, events.bindUnboundPort(PEER))
    calls.readable!()
    expect({ told, other }).toEqual({ told: [], other: [9] })
  })

  it('E2: a port that is unbound, and bound again, by a handler of the same turn is not delivered in it', () => {
    const { calls, events } = channels([8, 9, 9])
    const first = events.bindUnboundPort(PEER)
    const second = events.bindUnboundPort(PEER)
    const late: Port[] = []
    events.listen(first, (port) => {
      events.unbind(second)
      const again = events.bindUnboundPort(PEER)
      events.listen(again, (each) => late.push(each))
      events.eoi(port)
    })
    calls.reads.push(words(8, 9))
    calls.readable!()
    expect(late).toEqual([])
  })

  it('events that an unbind took off the node come in a turn of their own', async () => {
    const { calls, events } = channels([8, 9])
    const gone = events.bindUnboundPort(PEER)
    const told = listening(events, events.bindUnboundPort(PEER))
    calls.reads.push(words(9))
    events.unbind(gone)
    expect(told).toEqual([])
    await nextTurn()
    expect(told).toEqual([9])
  })

  it('E1: one turn delivers at most 256 ports and leaves the others to the next', async () => {
    const ports = Array.from({ length: 1000 }, (_, i) => i + 1)
    const { calls, events } = channels([...ports])
    const told: Port[] = []
    for (const _ of ports)
      events.listen(events.bindUnboundPort(PEER), (port) => {
        told.push(port)
        events.eoi(port)
      })
    calls.reads.push(words(...ports))
    calls.readable!()
    expect(told).toHaveLength(256)
    while (calls.reads.length > 0) calls.readable!()
    expect(told).toEqual(ports)
  })

  it('E1: after an overflow every open port counts as delivered once, and all are unmasked', () => {
    const { calls, events } = channels([8, 9, 10])
    const told = [8, 9].map(() => listening(events, events.bindUnboundPort(PEER)))
    const unheard = events.bindUnboundPort(PEER)
    calls.take()
    calls.reads.push(new SystemCallError('read', 'EFBIG'))
    calls.readable!()
    expect(told).toEqual([[8], [9]])
    expect(calls.take()).toEqual([`ioctl ${RESET.toString(16)}`, `write ${hex(8)}`, `write ${hex(9)}`])
    expect(listening(events, unheard)).toEqual([10])
  })

  it('E1: an overflow with many ports open does not take one turn for all', async () => {
    const ports = Array.from({ length: 1000 }, (_, i) => i + 1)
    const { calls, events } = channels([...ports])
    const told: Port[] = []
    for (const _ of ports) events.listen(events.bindUnboundPort(PEER), (port) => told.push(port))
    calls.reads.push(new SystemCallError('read', 'EFBIG'))
    calls.readable!()
    expect(told).toHaveLength(256)
    while (told.length < ports.length) await nextTurn()
    expect(told).toEqual(ports)
  })

  it('a port of nobody’s is dropped', () => {
    const { calls, events } = channels([8])
    const told = listening(events, events.bindUnboundPort(PEER))
    calls.reads.push(words(77, 0xffff_ffff, 0, 8))
    calls.readable!()
    expect(told).toEqual([8])
  })
})

describe('a thread that blocks', () => {
  it('gets its events inside of waitForEvents, which tells how many', () => {
    const { calls, events } = channels([8], 'blocking')
    const told = listening(events, events.bindUnboundPort(PEER))
    expect(calls.readable).toBeUndefined()
    expect(events.waitForEvents(0)).toBe(0)
    calls.reads.push(words(8))
    expect(events.waitForEvents(0)).toBe(1)
    expect(told).toEqual([8])
  })

  it('is no business of a platform whose events come by the event loop', () => {
    expect(() => channels([]).events.waitForEvents(0)).toThrow(TypeError)
  })
})

describe('the end', () => {
  it('closes the node, which unbinds every port; nothing is delivered after it', () => {
    const { calls, events } = channels([8])
    const told = listening(events, events.bindUnboundPort(PEER))
    calls.reads.push(words(8))
    const { readable } = calls
    events[Symbol.dispose]()
    events[Symbol.dispose]()
    expect([calls.openFds.size, calls.readable, events.openPorts().length]).toEqual([0, undefined, 0])
    expect(readable).toBeDefined()
    expect(told).toEqual([])
    expect(() => events.bindUnboundPort(PEER)).toThrow(expect.objectContaining({ code: 'CLOSED' }))
    events.eoi(8 as Port)
  })

  it('may come from a handler', () => {
    const { calls, events } = channels([8, 9])
    const first = events.bindUnboundPort(PEER)
    events.listen(first, () => events[Symbol.dispose]())
    const told = listening(events, events.bindUnboundPort(PEER))
    calls.reads.push(words(8, 9))
    calls.readable!()
    expect(told).toEqual([])
    expect(calls.take().filter((line) => line.startsWith(`ioctl ${UNBIND.toString(16)}`))).toEqual([])
  })
})
