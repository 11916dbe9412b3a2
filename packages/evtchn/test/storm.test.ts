import type { Domid, Port } from '@split-driver/abi'
import {
  DEFAULT_STORM_POLICY,
  type EventClock,
  type EventOutcome,
  PortDispatcher,
  setPending,
} from '@split-driver/evtchn'
import { describe, expect, it } from 'vitest'
import { DueQueue } from '../src/due-queue.js'
import { TestGuest } from './support/guest.js'

const p3 = 3 as Port
const p4 = 4 as Port
const PEER = 7 as Domid

/** Time that passes only when it is told to. */
class ManualClock implements EventClock {
  #now = 0
  readonly #timers = new Set<{ due: number; callback: () => void }>()

  now(): number {
    return this.#now
  }

  setTimer(milliseconds: number, callback: () => void) {
    const timer = { due: this.#now + milliseconds, callback }
    this.#timers.add(timer)
    return { cancel: () => void this.#timers.delete(timer) }
  }

  get timers(): number {
    return this.#timers.size
  }

  pass(milliseconds: number): void {
    this.#now += milliseconds
    for (const timer of [...this.#timers]) {
      if (timer.due > this.#now || !this.#timers.delete(timer)) continue
      timer.callback()
    }
  }
}

/** A guest with a clock, whose one handler counts and ends its interrupt with `outcome`. */
const guestWithClock = (ports: readonly Port[] = [p3], stormPolicy = DEFAULT_STORM_POLICY) => {
  const guest = new TestGuest()
  const clock = new ManualClock()
  const dispatcher = new PortDispatcher(
    guest.events,
    () => {
      guest.upcallRequested = true
    },
    { clock, stormPolicy },
  )
  const world = { delivered: 0, outcome: 'spurious' as EventOutcome }
  for (const port of ports) {
    dispatcher.open(port, PEER)
    dispatcher.listen(port, () => {
      world.delivered++
      dispatcher.eoi(port, world.outcome)
    })
  }
  const send = (port: Port = p3) => {
    setPending(guest.page, 0, port)
    guest.events.upcall(dispatcher, 100)
  }
  const look = () => guest.events.upcall(dispatcher, 100)
  return { guest, clock, dispatcher, world, send, look }
}

describe('E1, rule 66: events without work', () => {
  it('the first is forgiven; from the second in a row on the port rests, twice as long each time, up to a limit', () => {
    const { clock, world, send, look } = guestWithClock()
    send()
    send()
    expect(world.delivered).toBe(2)
    const rests: number[] = []
    for (let i = 0; i < 10; i++) {
      send()
      const before = world.delivered
      let rest = 0
      for (; world.delivered === before; rest++) {
        clock.pass(1)
        look()
      }
      rests.push(rest)
    }
    expect(rests).toEqual([1, 2, 4, 8, 16, 32, 64, 100, 100, 100])
  })

  it('what came while the port rested is delivered after it, once; nothing is lost', () => {
    const { clock, world, send, look } = guestWithClock()
    for (let i = 0; i < 100; i++) send()
    expect(world.delivered).toBe(2)
    world.outcome = 'worked'
    clock.pass(1)
    look()
    expect(world.delivered).toBe(3)
    look()
    expect(world.delivered).toBe(3)
  })

  it('the first event that worked ends it', () => {
    const { clock, world, send, look } = guestWithClock()
    for (let i = 0; i < 3; i++) {
      send()
      clock.pass(200)
      look()
    }
    world.outcome = 'worked'
    send()
    world.outcome = 'spurious'
    send()
    send()
    expect(world.delivered).toBe(6)
  })

  it('a guest without a clock delays nothing', () => {
    const guest = new TestGuest()
    guest.openAndListen(p3)
    for (let i = 0; i < 10; i++) {
      guest.send(p3)
      guest.pump()
      guest.dispatcher.eoi(p3, 'spurious')
    }
    expect(guest.taken()).toHaveLength(10)
  })

  it('explicit masking outlasts the rest, and the rest outlasts unmask', () => {
    const { clock, dispatcher, world, send, look } = guestWithClock()
    send()
    send()
    dispatcher.mask(p3)
    send()
    dispatcher.unmask(p3)
    look()
    expect(world.delivered).toBe(2)
    dispatcher.mask(p3)
    clock.pass(10)
    look()
    expect(world.delivered).toBe(2)
    dispatcher.unmask(p3)
    look()
    expect(world.delivered).toBe(3)
  })

  it('E2: a port that was closed while it rested, and opened anew, does not rest', () => {
    const { clock, dispatcher, guest, world, send, look } = guestWithClock()
    send()
    send()
    dispatcher.close(p3)
    dispatcher.open(p3, PEER)
    dispatcher.mask(p3)
    dispatcher.listen(p3, () => world.delivered++)
    clock.pass(500)
    expect(guest.events.isMasked(p3)).toBe(true)
    dispatcher.unmask(p3)
    send()
    look()
    expect(world.delivered).toBe(3)
  })

  it('a thread that sleeps by itself asks when the next rest is over, and ends those that are', () => {
    const { clock, dispatcher, world, send, look } = guestWithClock()
    expect(dispatcher.endDelays()).toBe(Number.POSITIVE_INFINITY)
    send()
    send()
    expect(dispatcher.endDelays()).toBe(1)
    send()
    clock.pass(0.5)
    expect(dispatcher.endDelays()).toBe(0.5)
    clock.pass(0.5)
    look()
    expect(world.delivered).toBe(3)
  })

  it('stopped, it touches nothing any more and holds no timer', () => {
    const { clock, dispatcher, guest, send } = guestWithClock()
    send()
    send()
    expect(clock.timers).toBe(1)
    dispatcher.stop()
    expect(clock.timers).toBe(0)
    expect(guest.events.isMasked(p3)).toBe(true)
  })
})

describe('E1: a peer that sends more than its share', () => {
  const policy = { ...DEFAULT_STORM_POLICY, peerDeliveries: 10, peerMilliseconds: 5 }

  it('waits until its time is over, with all of its ports, though each event had work', () => {
    const { clock, world, send, look } = guestWithClock([p3, p4], policy)
    world.outcome = 'worked'
    for (let i = 0; i < 100; i++) send(i % 2 === 0 ? p3 : p4)
    expect(world.delivered).toBe(11)
    clock.pass(4)
    look()
    expect(world.delivered).toBe(11)
    clock.pass(1)
    look()
    expect(world.delivered).toBe(13)
  })

  it('does not wait when its events come slowly', () => {
    const { clock, world, send } = guestWithClock([p3], policy)
    world.outcome = 'worked'
    for (let i = 0; i < 100; i++) {
      send()
      clock.pass(0.6)
    }
    expect(world.delivered).toBe(100)
  })
})

it('what waits is taken in the order it is due', () => {
  const queue = new DueQueue<number>()
  const dues = [5, 3, 9, 1, 7, 3, 8, 2, 6]
  for (const due of dues) queue.add(due, due)
  const taken: (number | undefined)[] = []
  for (let now = 0; now < 10; now++)
    for (let item = queue.take(now); item !== undefined; item = queue.take(now)) taken.push(item)
  expect(taken).toEqual([...dues].sort((a, b) => a - b))
  expect(queue.earliest).toBe(Number.POSITIVE_INFINITY)
})
