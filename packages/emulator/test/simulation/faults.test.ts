import { DOM0, type Domid, XenError } from '@split-driver/abi'
import { describe, expect, it } from 'vitest'
import type { EmulatedPlatform } from '../../src/emulated-platform.js'
import { Machine } from '../../src/machine.js'
import type { FaultPlan } from '../../src/simulation/fault-plan.js'
import { Simulation } from '../../src/simulation/simulation.js'

const boot = (faults: FaultPlan, seed = 1) => {
  const machine = Machine.create({ mode: 'simulated', seed, faults, memoryMiB: 16 })
  const dom0 = machine.attach(machine.buildControlDomain({ memoryPages: 64 }).domid)
  const guest = machine.attach(machine.buildGuest({ memoryPages: 64 }).domid)
  return { machine, dom0, guest, simulation: machine.simulation! }
}

const pause = ({ clock }: EmulatedPlatform, milliseconds: number): Promise<void> =>
  new Promise((resolve) => {
    clock.setTimer(milliseconds, resolve)
  })

const codeOf = (action: () => unknown): string => {
  try {
    action()
    return 'done'
  } catch (error) {
    return XenError.is(error) ? error.code : String(error)
  }
}

/** A channel whose deliveries at dom0 are noted, in milliseconds. */
const channel = (dom0: EmulatedPlatform, guest: EmulatedPlatform) => {
  const offered = guest.events.bindUnboundPort(dom0.domid)
  const bound = dom0.events.bindInterdomain(guest.domid, offered)
  const deliveries: number[] = []
  dom0.events.listen(bound, (port) => {
    deliveries.push(dom0.clock.now())
    dom0.events.eoi(port)
  })
  return { port: offered, deliveries }
}

describe('a planned fault', () => {
  it('makes the calls that it counts fail, of that domain alone, and no other', () => {
    const { dom0, guest } = boot([{ kind: 'refuse', call: 'grants.map', domid: 0, nth: 2, count: 2 }])
    const { refs } = guest.sharer.share(DOM0, 1, 'writable')
    const codes = Array.from({ length: 5 }, () =>
      codeOf(() => dom0.mapper.unmap(dom0.mapper.map(guest.domid, refs, 'writable'))),
    )
    expect(codes).toEqual(['done', 'GNTST_no_space', 'GNTST_no_space', 'done', 'done'])
  })

  it.each([
    ['channels.allocUnbound', 'ENOSPC'],
    ['channels.bindInterdomain', 'ENOSPC'],
    ['grants.copy', 'GNTST_general_error'],
  ] as const)('%s ends in %s', (call, code) => {
    const { dom0, guest } = boot([{ kind: 'refuse', call, domid: 0, nth: 1, count: 1 }])
    const offered = guest.events.bindUnboundPort(DOM0)
    const [ref] = guest.sharer.share(DOM0, 1, 'writable').refs
    const calls = {
      'channels.allocUnbound': () => dom0.events.bindUnboundPort(guest.domid),
      'channels.bindInterdomain': () => dom0.events.bindInterdomain(guest.domid, offered),
      'grants.copy': () => dom0.mapper.copyFrom(guest.domid, { ref: ref!, offset: 0 }, new Uint8Array(4)),
    }
    expect([codeOf(calls[call]), codeOf(calls[call])]).toEqual([code, 'done'])
  })

  it('delays the wake-ups of a port, and of that port alone; nothing is lost', async () => {
    const port = 5
    const { dom0, guest } = boot([{ kind: 'delay-events', domid: 1, port, microseconds: 50_000 }])
    const channels = [1, 2, 3].map(() => channel(dom0, guest))
    await pause(dom0, 1)
    const late = channels.find((each) => each.port === port)!
    const other = channels.find((each) => each.port !== port)!
    for (const { deliveries } of channels) expect(deliveries).toHaveLength(1)
    guest.events.notify(late.port)
    const offered = dom0.events.bindUnboundPort(guest.domid)
    let isGuestAwake = false
    guest.events.listen(guest.events.bindInterdomain(dom0.domid, offered), () => {
      isGuestAwake = true
    })
    await pause(dom0, 40)
    expect(isGuestAwake).toBe(true)
    expect(late.deliveries).toHaveLength(1)
    await pause(dom0, 20)
    expect(late.deliveries[1]! - late.deliveries[0]!).toBeGreaterThanOrEqual(50)
    guest.events.notify(other.port)
    await pause(dom0, 1)
    expect(other.deliveries).toHaveLength(2)
  })

  it('lets another event of the same domain find the one whose wake-up is late', async () => {
    const { dom0, guest } = boot([{ kind: 'delay-events', domid: 1, port: 4, microseconds: 50_000 }])
    const channels = [1, 2, 3].map(() => channel(dom0, guest))
    await pause(dom0, 1)
    for (const { port } of channels) guest.events.notify(port)
    await pause(dom0, 1)
    for (const { deliveries } of channels) expect(deliveries).toHaveLength(2)
  })

  it('freezes a domain from a step on: no event and no timer of its own, then all of them', async () => {
    const { dom0, guest, simulation } = boot([{ kind: 'freeze', domid: 0, step: 20, microseconds: 10_000 }])
    const { port, deliveries } = channel(dom0, guest)
    while (simulation.step < 20) await pause(guest, 0.01)
    let own = -1
    void pause(dom0, 1).then(() => {
      own = dom0.clock.now()
    })
    const began = guest.clock.now()
    guest.events.notify(port)
    await pause(guest, 9)
    expect({ deliveries: deliveries.length, own }).toEqual({ deliveries: 1, own: -1 })
    await pause(guest, 3)
    expect(deliveries[1]! - began).toBeGreaterThanOrEqual(9)
    expect(own - began).toBeGreaterThanOrEqual(9)
  })

  it('calls for what the plan names, at its step, with its argument', async () => {
    const plan: FaultPlan = [{ kind: 'command', step: 5, name: 'crash', argument: 1 }]
    const { dom0, simulation } = boot(plan)
    const seen: unknown[] = []
    simulation.onCommand('crash', (argument) => seen.push([argument, simulation.step]))
    while (simulation.step < 10) await pause(dom0, 0.01)
    expect(seen).toEqual([[1, 5]])
  })

  it('slows a transfer down, or lets it fail', async () => {
    const { dom0, simulation } = boot([
      { kind: 'slow-io', nth: 2, count: 1, microseconds: 70_000 },
      { kind: 'fail-io', nth: 3, count: 1 },
    ])
    const transfer = async () => {
      const began = dom0.clock.now()
      const succeeded = await simulation.completion(dom0.domid)
      return { succeeded, slow: dom0.clock.now() - began >= 70 }
    }
    const seen = [await transfer(), await transfer(), await transfer(), await transfer()]
    expect(seen).toEqual([
      { succeeded: true, slow: false },
      { succeeded: true, slow: true },
      { succeeded: false, slow: false },
      { succeeded: true, slow: false },
    ])
  })
})

it('a wake-up that comes sooner than the one on its way takes its place, and there is one upcall for both', async () => {
  const { wakeups, clock } = new Simulation()
  const upcalls: number[] = []
  const detach = wakeups.attach(1 as Domid, 0, undefined as never, () => {
    upcalls.push(clock.now())
    return false
  })
  const pauseHere = (milliseconds: number) => new Promise<void>((resolve) => clock.setTimer(milliseconds, resolve))
  await pauseHere(1)
  wakeups.delay = 50_000
  wakeups.signal(1 as Domid, 0)
  wakeups.delay = 0
  wakeups.signal(1 as Domid, 0)
  await pauseHere(100)
  expect(upcalls).toHaveLength(2)
  expect(upcalls[1]!).toBeLessThan(2)
  wakeups.signal(1 as Domid, 0)
  detach()
  await pauseHere(100)
  expect(upcalls).toHaveLength(2)
})

it('an upcall that has not done everything has another', async () => {
  const { wakeups, clock } = new Simulation()
  let left = 3
  wakeups.attach(1 as Domid, 0, undefined as never, () => --left > 0)
  await new Promise<void>((resolve) => clock.setTimer(10, resolve))
  expect(left).toBe(0)
})

it('a frozen domain runs again only when it was thawed as often', async () => {
  const { dom0, guest, simulation } = boot([])
  let ran = false
  simulation.freeze(1 as Domid)
  simulation.freeze(1 as Domid)
  void pause(guest, 0).then(() => {
    ran = true
  })
  simulation.thaw(1 as Domid)
  await pause(dom0, 10)
  expect(ran).toBe(false)
  simulation.thaw(1 as Domid)
  await pause(dom0, 10)
  expect(ran).toBe(true)
})

it('every seed delivers every event, some at once and some late', async () => {
  const delays: number[] = []
  for (let seed = 0; seed < 50; seed++) {
    const { dom0, guest } = boot([], seed)
    const { port, deliveries } = channel(dom0, guest)
    await pause(dom0, 1)
    const sent = guest.clock.now()
    guest.events.notify(port)
    await pause(dom0, 1)
    delays.push(deliveries.at(-1)! - sent)
    expect(deliveries).toHaveLength(2)
  }
  expect(delays.some((delay) => delay < 0.002)).toBe(true)
  expect(delays.some((delay) => delay > 0.02)).toBe(true)
})
