import { DOMID_SELF, type Domid, type Port, VIRQ, XenError } from '@split-driver/abi'
import { type AttachOptions, type EmulatedPlatform, Machine } from '@split-driver/emulator'
import { describe, expect, test } from 'vitest'
import { settle } from './pair.js'

const codeOf = (act: () => unknown): string => {
  try {
    act()
  } catch (error) {
    if (XenError.is(error)) return error.code
    throw error
  }
  return 'nothing thrown'
}

/** A control domain and a guest of two vcpus. */
const boot = (options: AttachOptions & { readonly maxEventChannels?: number } = {}) => {
  const { maxEventChannels = 131_071, ...attaching } = options
  const machine = Machine.create({ memoryMiB: 32, attaching })
  const dom0 = machine.attach(machine.buildControlDomain().domid)
  const { domid } = machine.buildGuest({ vcpus: 2, memoryPages: 256, maxEventChannels })
  return { machine, dom0, guest: machine.attach(domid), calls: machine.calls }
}

const channel = (dom0: EmulatedPlatform, guest: EmulatedPlatform) => {
  const offered = guest.events.bindUnboundPort(dom0.domid)
  return { offered, bound: dom0.events.bindInterdomain(guest.domid, offered) }
}

describe('each errno that Xen 4.17 answers with', () => {
  const self = DOMID_SELF
  const nobody = 0x7abc as Domid
  const free = 100 as Port
  const noPort = 5000 as Port

  test('alloc_unbound: ESRCH EPERM ENOSPC, EINVAL for a dying domain', () => {
    const { dom0, guest, calls } = boot({ maxEventChannels: 3 })
    const { channels } = calls
    expect(codeOf(() => channels.allocUnbound(dom0.domid, nobody, self))).toBe('ESRCH')
    expect(codeOf(() => channels.allocUnbound(guest.domid, dom0.domid, self))).toBe('EPERM')
    expect(channels.allocUnbound(dom0.domid, guest.domid, self)).toBe(3)
    expect(codeOf(() => channels.allocUnbound(guest.domid, self, self))).toBe('ENOSPC')
    calls.domains.kill(guest.domid)
    expect(codeOf(() => channels.allocUnbound(dom0.domid, guest.domid, self))).toBe('EINVAL')
  })

  test('bind_interdomain: ESRCH EINVAL ENOSPC; a port of the caller’s own, but not the one being opened', () => {
    const { dom0, guest, calls } = boot()
    const { channels } = calls
    expect(codeOf(() => channels.bindInterdomain(guest.domid, nobody, 1 as Port))).toBe('ESRCH')
    expect(codeOf(() => channels.bindInterdomain(guest.domid, dom0.domid, noPort))).toBe('EINVAL')
    const next = channels.bindIpi(guest.domid)
    channels.close(guest.domid, next)
    expect(codeOf(() => channels.bindInterdomain(guest.domid, self, next))).toBe('EINVAL')
    const offered = channels.allocUnbound(guest.domid, self, self)
    const bound = channels.bindInterdomain(guest.domid, self, offered)
    expect(channels.status(guest.domid, self, offered)).toMatchObject({ is: 'interdomain', remotePort: bound })
  })

  test('bind_virq: EINVAL ENOENT EEXIST; each vcpu has its own timer, a global one is vcpu 0’s', () => {
    const { guest, calls } = boot()
    const bind = (virq: number, vcpu: number) => calls.channels.bindVirq(guest.domid, virq as never, vcpu)
    expect(codeOf(() => bind(24, 0))).toBe('EINVAL')
    expect(codeOf(() => bind(VIRQ.DomExc, 1))).toBe('EINVAL')
    expect(codeOf(() => bind(VIRQ.Timer, 2))).toBe('ENOENT')
    expect([bind(VIRQ.Timer, 0), bind(VIRQ.Timer, 1)]).toEqual([3, 4])
    expect(codeOf(() => bind(VIRQ.Timer, 1))).toBe('EEXIST')
  })

  test('bind_ipi, bind_vcpu: ENOENT EINVAL', () => {
    const { guest, calls } = boot()
    const { channels } = calls
    expect(codeOf(() => channels.bindIpi(guest.domid, 2))).toBe('ENOENT')
    const ipi = channels.bindIpi(guest.domid, 1)
    const timer = channels.bindVirq(guest.domid, VIRQ.Timer, 1)
    const global = channels.bindVirq(guest.domid, VIRQ.Console)
    expect(codeOf(() => channels.bindVcpu(guest.domid, global, 2))).toBe('ENOENT')
    for (const port of [ipi, timer, free, noPort, 0 as Port])
      expect(codeOf(() => channels.bindVcpu(guest.domid, port, 0))).toBe('EINVAL')
    channels.bindVcpu(guest.domid, global, 1)
    expect(channels.status(guest.domid, self, global)).toEqual({ is: 'virq', vcpu: 1, virq: VIRQ.Console })
  })

  test('close, send, unmask: EINVAL; unmask of a port that could be open is nothing', () => {
    const { guest, calls } = boot()
    const { channels } = calls
    const virq = channels.bindVirq(guest.domid, VIRQ.Debug)
    for (const port of [free, noPort, 0 as Port, -1 as Port]) {
      expect(codeOf(() => channels.close(guest.domid, port))).toBe('EINVAL')
      expect(codeOf(() => channels.send(guest.domid, port))).toBe('EINVAL')
    }
    expect(codeOf(() => channels.send(guest.domid, virq))).toBe('EINVAL')
    expect(codeOf(() => channels.unmask(guest.domid, noPort))).toBe('EINVAL')
    channels.unmask(guest.domid, free)
  })

  test('status: ESRCH EINVAL EPERM', () => {
    const { dom0, guest, calls } = boot()
    const { channels } = calls
    expect(codeOf(() => channels.status(dom0.domid, nobody, free))).toBe('ESRCH')
    expect(codeOf(() => channels.status(dom0.domid, guest.domid, noPort))).toBe('EINVAL')
    expect(codeOf(() => channels.status(guest.domid, dom0.domid, 1 as Port))).toBe('EPERM')
    expect(channels.status(dom0.domid, guest.domid, free)).toEqual({ is: 'closed', vcpu: 0 })
    expect(channels.status(dom0.domid, guest.domid, 1 as Port)).toMatchObject({ is: 'unbound', remoteDomid: 0 })
  })

  test('init_control, expand_array, set_priority: ENOENT EINVAL EOPNOTSUPP ENOSYS EACCES ENOSPC', () => {
    const { guest, calls } = boot()
    const { eventControl: control, channels } = calls
    const page = guest.start.store.frame + 2
    const at = (vcpu: number, frame: number, offset: number) => () =>
      control.initControl(guest.domid, { vcpu, frame, offset })
    expect(codeOf(() => control.expandArray(guest.domid, page))).toBe('EOPNOTSUPP')
    expect(codeOf(() => control.setPriority(guest.domid, 1 as Port, 0))).toBe('ENOSYS')
    expect(codeOf(at(2, page, 0))).toBe('ENOENT')
    for (const bad of [at(0, page, 4), at(0, page, 4032), at(0, guest.start.sharedInfo, 0), at(0, 0, 0)])
      expect(codeOf(bad)).toBe('EINVAL')
    at(0, page, 4024)()
    expect(codeOf(at(0, page, 0))).toBe('EINVAL')
    expect(codeOf(() => control.expandArray(guest.domid, guest.start.sharedInfo))).toBe('EINVAL')
    for (let i = 1; i <= 128; i++) control.expandArray(guest.domid, page + i)
    expect(codeOf(() => control.expandArray(guest.domid, page))).toBe('ENOSPC')
    expect(codeOf(() => control.setPriority(guest.domid, free, 0))).toBe('EACCES')
    expect(codeOf(() => control.setPriority(guest.domid, noPort, 0))).toBe('EINVAL')
    expect(codeOf(() => control.setPriority(guest.domid, 1 as Port, 16))).toBe('EINVAL')
    expect(codeOf(() => channels.isPending(guest.domid, free))).toBe('EINVAL')
  })

  test('reset: ESRCH EPERM EINVAL; it closes all and goes back to two levels', () => {
    const { dom0, guest, calls } = boot({ eventAbi: 'fifo' })
    const { eventControl: control, channels, lifecycle } = calls
    const { bound } = channel(dom0, guest)
    expect(codeOf(() => control.reset(dom0.domid, nobody))).toBe('ESRCH')
    expect(codeOf(() => control.reset(guest.domid, dom0.domid))).toBe('EPERM')
    expect(codeOf(() => control.reset(dom0.domid, guest.domid))).toBe('EINVAL')
    lifecycle.pause(dom0.domid, guest.domid)
    control.reset(dom0.domid, guest.domid)
    expect(channels.status(dom0.domid, self, bound)).toMatchObject({ is: 'unbound', remoteDomid: guest.domid })
    expect(control.abiOf(guest.domid, 0)).toEqual({ abi: 'two-level', control: undefined })
  })
})

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
