import type { Port } from '@split-driver/abi'
import { PortDispatcher, setPending, TwoLevelEvents } from '@split-driver/evtchn'
import { describe, expect, it } from 'vitest'
import { type Actor, exploreInterleavings } from '../../../test/support/explore-interleavings.js'

/** Beyond shared_info: what senders sent, by port index, and the wake-up of the guest's vcpu. */
const SENT = 800
const KICK = 810

/** Same selector word; the other half of the selector. */
const ports = [5, 6, 2050] as Port[]

/** A domain that stores something and then raises the port, as the hypervisor does for it. */
const sender =
  (...indices: number[]): Actor =>
  (memory) => {
    for (const index of indices) {
      memory.storeOrdered(SENT + index, memory.loadOrdered(SENT + index) + 1)
      if (setPending(memory, 0, ports[index]!)) memory.exchange(KICK, 1)
    }
  }

interface GuestOptions {
  readonly budget: number
  /** In the handler, or after the upcall. */
  readonly eoi: 'at once' | 'later'
  /** Masks and unmasks each port after it began to listen. */
  readonly fiddles?: boolean
}

/** A guest that sleeps for its wake-up and notes how much it has seen of each port. */
const guest =
  ({ budget, eoi, fiddles = false }: GuestOptions): Actor =>
  (memory, context) => {
    const events = new TwoLevelEvents(memory)
    let due = false
    const unfinished: Port[] = []
    const dispatcher = new PortDispatcher(events, () => {
      due = true
    })
    for (const [index, port] of ports.entries()) {
      dispatcher.open(port)
      dispatcher.listen(port, () => {
        context.note(index * 100 + memory.loadOrdered(SENT + index))
        if (eoi === 'at once') dispatcher.eoi(port)
        else unfinished.push(port)
      })
    }
    if (fiddles) for (const port of ports.slice(0, 2)) dispatcher.mask(port)
    if (fiddles) for (const port of ports.slice(0, 2)) dispatcher.unmask(port)
    for (;;) {
      if (!due) context.waitFor(KICK)
      due = events.upcall(dispatcher, budget)
      for (let port = unfinished.pop(); port !== undefined; port = unfinished.pop()) dispatcher.eoi(port)
    }
  }

/** Every sender's last event was seen by a delivery that came after it. */
const explore = (actors: readonly Actor[]) =>
  exploreInterleavings({
    bytes: 4096,
    actors,
    check: (memory, notes) => {
      const seen = [0, 0, 0]
      for (const note of notes[0]!) seen[Math.floor(note / 100)] = note % 100
      expect(seen).toEqual(ports.map((_, index) => memory.load(SENT + index)))
    },
  })

describe('rule 63 and 64: no wake-up is lost in any order of memory accesses', () => {
  it.each([
    ['one sender, one event', [0]],
    ['one sender, the same port twice', [0, 0]],
    ['one sender, two ports of one word', [0, 1]],
    ['one sender, both halves of the selector', [0, 2]],
  ])('%s', (_, indices) => {
    const { endings, states } = explore([guest({ budget: 10, eoi: 'at once' }), sender(...indices)])
    expect(endings).toBeGreaterThan(0)
    expect(states).toBeGreaterThan(100)
  })

  it('two senders of the same port', () => {
    explore([guest({ budget: 10, eoi: 'at once' }), sender(0), sender(0)])
  })

  it('a guest that ends the interrupt after the upcall', () => {
    explore([guest({ budget: 10, eoi: 'later' }), sender(0, 0)])
  })

  it('E1: a guest that serves one event a call', () => {
    explore([guest({ budget: 1, eoi: 'at once' }), sender(0, 1)])
    explore([guest({ budget: 1, eoi: 'later' }), sender(2, 0)])
  })

  it('a guest that masks and unmasks', () => {
    explore([guest({ budget: 10, eoi: 'at once', fiddles: true }), sender(0)])
  })
})
