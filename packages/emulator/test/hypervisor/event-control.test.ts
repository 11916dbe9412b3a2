import type { Port } from '@split-driver/abi'
import { Machine } from '@split-driver/emulator'
import { describe, expect, test } from 'vitest'
import { settle } from '../pair.js'
import { boot, channel, codeOf } from '../two-vcpus.js'

describe.each(['two-level', 'fifo'] as const)('two vcpus, %s', (eventAbi) => {
  test('an IPI wakes the vcpu that bound it, whichever sends', async () => {
    const { machine, guest } = boot({ eventAbi })
    using second = machine.attachVcpu(guest.domid, 1)
    const woken: string[] = []
    const first = guest.events.bindIpi()
    const other = second.events.bindIpi()
    guest.events.listen(first, (port) => {
      woken.push('first')
      guest.events.eoi(port)
    })
    second.events.listen(other, (port) => {
      woken.push('second')
      second.events.eoi(port)
    })
    guest.events.notify(other)
    await settle()
    second.events.notify(first)
    await settle()
    expect(woken).toEqual(['second', 'first'])
  })

  test('a port that moves loses nothing of what comes before it is taken up, and goes on there', async () => {
    const { machine, dom0, guest } = boot({ eventAbi })
    using second = machine.attachVcpu(guest.domid, 1)
    const { offered, bound } = channel(dom0, guest)
    let [first, later] = [0, 0]
    guest.events.listen(offered, (port) => {
      first++
      guest.events.eoi(port)
    })
    dom0.events.notify(bound)
    await settle()
    dom0.events.notify(bound)
    guest.events.bindVcpu(offered, 1)
    await settle()
    expect([first, later]).toEqual([1, 0])
    second.events.adopt(offered)
    second.events.listen(offered, (port) => {
      later++
      second.events.eoi(port)
    })
    await settle()
    expect([first, later]).toEqual([1, 1])
    dom0.events.notify(bound)
    await settle()
    expect([first, later]).toEqual([1, 2])
    second.events.unbind(offered)
    dom0.events.unbind(bound)
    expect(machine.ledger()).toEqual([])
  })

  test('what a further vcpu opens it serves itself, beside a busy first one', async () => {
    const { machine, dom0, guest } = boot({ eventAbi })
    using second = machine.attachVcpu(guest.domid, 1)
    const pairs = Array.from({ length: 20 }, (_, i) => {
      const owner = i % 2 === 0 ? guest.events : second.events
      const port = owner.bindUnboundPort(dom0.domid)
      const told = { count: 0 }
      owner.listen(port, () => {
        told.count++
        owner.eoi(port)
      })
      return { bound: dom0.events.bindInterdomain(guest.domid, port), told }
    })
    for (let round = 0; round < 3; round++) {
      for (const { bound } of pairs) dom0.events.notify(bound)
      await settle()
    }
    expect(pairs.map(({ told }) => told.count)).toEqual(pairs.map(() => 3))
  })

  test('a port moves only to a vcpu that is there, and is adopted only there', () => {
    const { machine, dom0, guest } = boot({ eventAbi })
    using second = machine.attachVcpu(guest.domid, 1)
    const { offered } = channel(dom0, guest)
    expect(codeOf(() => guest.events.bindVcpu(offered, 2))).toBe('ENOENT')
    expect(codeOf(() => guest.events.bindVcpu(99 as Port, 1))).toBe('EINVAL')
    expect(codeOf(() => guest.events.bindVcpu(guest.events.bindIpi(), 1))).toBe('EINVAL')
    expect(codeOf(() => second.events.adopt(offered))).toBe('EINVAL')
    expect(codeOf(() => machine.attachVcpu(guest.domid, 2))).toBe('ENOENT')
  })
})

describe('the FIFO ABI', () => {
  test('higher priorities first', async () => {
    const { guest } = boot({ eventAbi: 'fifo' })
    const order: number[] = []
    const ports = [15, 7, 0].map((priority) => {
      const port = guest.events.bindIpi()
      guest.events.setPriority(port, priority)
      guest.events.listen(port, () => order.push(priority))
      return port
    })
    for (const port of ports) guest.events.notify(port)
    await settle()
    expect(order).toEqual([0, 7, 15])
  })

  test('more than 4096 ports, each delivered; the array grows by itself', async () => {
    const machine = Machine.create({ memoryMiB: 32 })
    const dom0 = machine.attach(machine.buildControlDomain().domid, { eventAbi: 'fifo' })
    const seen = new Set<Port>()
    const ports: Port[] = []
    for (let i = 0; i < 5000; i++) {
      const port = dom0.events.bindIpi()
      dom0.events.listen(port, () => {
        seen.add(port)
        dom0.events.eoi(port)
      })
      ports.push(port)
    }
    for (const port of ports) dom0.events.notify(port)
    for (let i = 0; i < 5; i++) await settle()
    expect(seen.size).toBe(5000)
    for (const port of ports) dom0.events.unbind(port)
    expect(machine.ledger()).toEqual([])
  })

  test('a domain that attaches again finds its pages, and gives them to nothing else', async () => {
    const machine = Machine.create({ memoryMiB: 32 })
    const { domid } = machine.buildControlDomain()
    const before = machine.attach(domid, { eventAbi: 'fifo' })
    before.revoke()
    expect(codeOf(() => machine.attach(domid, { eventAbi: 'two-level' }))).toBe('EBUSY')
    const { events, sharer } = machine.attach(domid, { eventAbi: 'fifo' })
    sharer.share(domid, 50, 'writable')
    const port = events.bindIpi()
    let delivered = 0
    events.listen(port, () => delivered++)
    events.notify(port)
    await settle()
    expect(delivered).toBe(1)
  })

  test('E3: whatever a guest writes into its own words, its peers’ calls go on and take no longer', async () => {
    const { machine, dom0, guest } = boot({ eventAbi: 'fifo' })
    const { offered, bound } = channel(dom0, guest)
    const array = machine.memory.frame(machine.calls.eventControl.arrayFrame(guest.domid, 0))
    for (let i = 0; i < 1000; i++) {
      for (let port = 1; port < 64; port++) array.store(port, (i * 0x9e37_79b9 * port) | 0)
      dom0.events.notify(bound)
    }
    guest.events.unbind(offered)
    dom0.events.unbind(bound)
    expect(machine.ledger()).toEqual([])
  })
})

describe('a blocking wait', () => {
  const alone = () => {
    const machine = Machine.create({ mode: 'threads', memoryMiB: 32 })
    return machine.attach(machine.buildControlDomain().domid, { delivery: 'blocking' })
  }

  test('delivers what there is inside of the call, or ends when its time is over', () => {
    const { events, clock } = alone()
    const port = events.bindIpi()
    let delivered = 0
    events.listen(port, () => {
      delivered++
      events.eoi(port)
    })
    const start = clock.now()
    expect(events.waitForEvents(5)).toBe(0)
    expect(clock.now() - start).toBeGreaterThanOrEqual(5)
    events.notify(port)
    expect(delivered).toBe(0)
    expect(events.waitForEvents(Number.POSITIVE_INFINITY)).toBe(1)
    expect(delivered).toBe(1)
    expect(events.waitForEvents(0)).toBe(0)
  })

  test('E1: sees to the delays of spurious events by itself', () => {
    const { events } = alone()
    const port = events.bindIpi()
    events.listen(port, () => events.eoi(port, 'spurious'))
    for (let i = 0; i < 4; i++) {
      events.notify(port)
      expect(events.waitForEvents(1000)).toBe(1)
    }
  })

  test('is for a thread of its own, that was attached for it', () => {
    const machine = Machine.create({ memoryMiB: 32 })
    const { domid } = machine.buildControlDomain()
    expect(() => machine.attach(domid, { delivery: 'blocking' })).toThrow(/one thread|several domains/)
    expect(() => machine.attach(domid).events.waitForEvents(0)).toThrow(TypeError)
  })
})
