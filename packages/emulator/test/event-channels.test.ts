import { type Domid, type Port, VIRQ } from '@split-driver/abi'
import { describe, expect, test } from 'vitest'
import { machineWithTwo, settle } from './pair.js'

describe('rule 62: interdomain channels', () => {
  test('binding pends the local port once, sending pends the remote one', async () => {
    const { dom0, guest, machine } = machineWithTwo()
    const offered = guest.events.bindUnboundPort(dom0.domid)
    const bound = dom0.events.bindInterdomain(guest.domid, offered)
    const seen: string[] = []
    dom0.events.listen(bound, (port) => {
      seen.push('dom0')
      dom0.events.eoi(port)
    })
    guest.events.listen(offered, (port) => {
      seen.push('guest')
      guest.events.eoi(port)
    })
    await settle()
    expect(seen).toEqual(['dom0'])
    dom0.events.notify(bound)
    await settle()
    expect(seen).toEqual(['dom0', 'guest'])
    dom0.events.unbind(bound)
    guest.events.notify(offered)
    await settle()
    expect(seen).toEqual(['dom0', 'guest'])
    guest.events.unbind(offered)
    expect(machine.ledger()).toEqual([])
  })

  test('a port that waits for another domain, or for nobody, cannot be bound: EINVAL', () => {
    const { dom0, guest } = machineWithTwo()
    const forItself = guest.events.bindUnboundPort(guest.domid)
    for (const port of [forItself, 0, 77, 4096, -1, 2 ** 31] as Port[])
      expect(() => dom0.events.bindInterdomain(guest.domid, port)).toThrow(/EINVAL/)
  })

  test('a port may be offered to a domain that is not there (yet)', () => {
    const { guest } = machineWithTwo()
    const offered = guest.events.bindUnboundPort(99 as Domid)
    guest.events.notify(offered)
    guest.events.unbind(offered)
  })

  test('the lowest number that is free is given out, so that one comes again as soon as it was closed', () => {
    const { dom0, guest } = machineWithTwo()
    const [first, second] = [guest.events.bindUnboundPort(dom0.domid), guest.events.bindUnboundPort(dom0.domid)]
    expect(second).toBe(first + 1)
    guest.events.unbind(first)
    expect(guest.events.bindUnboundPort(dom0.domid)).toBe(first)
  })

  test('all ports in use: ENOSPC, and one that is closed can be had again', () => {
    const { guest } = machineWithTwo()
    const ports: Port[] = []
    expect(() => {
      for (;;) ports.push(guest.events.bindIpi())
    }).toThrow(/ENOSPC/)
    expect(ports.length).toBe(4095 - 2)
    guest.events.unbind(ports[1000]!)
    expect(guest.events.bindIpi()).toBe(ports[1000])
  })
})

describe('virtual interrupts', () => {
  test('one port a VIRQ: EEXIST; the control domain hears of a death through VIRQ_DOM_EXC', async () => {
    const { dom0, guest, machine } = machineWithTwo()
    let heard = 0
    const port = dom0.events.bindVirq(VIRQ.DomExc)
    dom0.events.listen(port, () => heard++)
    expect(() => dom0.events.bindVirq(VIRQ.DomExc)).toThrow(/EEXIST/)
    machine.calls.domains.kill(guest.domid)
    machine.calls.domains.reap(guest.domid)
    await settle()
    expect(heard).toBe(1)
    expect(() => dom0.events.notify(port)).toThrow(/EINVAL/)
  })

  test('an IPI raises its own domain', async () => {
    const { guest } = machineWithTwo()
    let raised = 0
    const port = guest.events.bindIpi()
    guest.events.listen(port, () => raised++)
    guest.events.notify(port)
    expect(raised).toBe(0)
    await settle()
    expect(raised).toBe(1)
  })
})

describe.each(['inline', 'threads'] as const)('%s', (mode) => {
  test('E2: an event that was under way when its port was closed reaches nobody', async () => {
    const { dom0, guest } = machineWithTwo(mode)
    const offered = guest.events.bindUnboundPort(dom0.domid)
    const bound = dom0.events.bindInterdomain(guest.domid, offered)
    let stale = 0
    guest.events.listen(offered, () => stale++)
    dom0.events.notify(bound)
    guest.events.unbind(offered)
    const again = guest.events.bindUnboundPort(dom0.domid)
    expect(again).toBe(offered)
    guest.events.listen(again, () => stale++)
    await settle()
    expect(stale).toBe(0)
  })

  test('10,000 round trips', async () => {
    const { dom0, guest } = machineWithTwo(mode)
    const offered = guest.events.bindUnboundPort(dom0.domid)
    const bound = dom0.events.bindInterdomain(guest.domid, offered)
    let left = 10_000
    await new Promise<void>((resolve) => {
      dom0.events.listen(bound, (port) => {
        dom0.events.eoi(port)
        if (left-- > 0) dom0.events.notify(bound)
        else resolve()
      })
      guest.events.listen(offered, (port) => {
        guest.events.eoi(port)
        guest.events.notify(offered)
      })
    })
    expect(left).toBe(-1)
  })
})
