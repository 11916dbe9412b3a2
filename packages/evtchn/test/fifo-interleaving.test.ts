import { EVTCHN_FIFO_QUEUES, type Port, type SharedMemory } from '@split-driver/abi'
import {
  type FifoDomain,
  FifoEvents,
  PortDispatcher,
  setFifoPending,
  UpcallFlags,
  unmaskFifoPort,
} from '@split-driver/evtchn'
import { describe, expect, it } from 'vitest'
import { type Actor, type ActorContext, exploreInterleavings } from '../../../test/support/explore-interleavings.js'

/** Where things lie in the few words of this machine. */
const CONTROL = 600
const ARRAY = 640
const TAILS = 660
const LAST = 720
const SENT = 800
const KICK = 810
/** 1 while the hypervisor's lock is free. */
const LOCK = 811

/** Words of `memory` from `first` on, as a page of their own. */
const pageAt = (memory: SharedMemory, first: number): SharedMemory =>
  new Proxy(memory, {
    get: (target, name: keyof SharedMemory) => {
      const member = target[name] as (word: number, ...rest: number[]) => number
      return (word: number, ...rest: number[]) => member.call(target, first + word, ...rest)
    },
  })

/** The hypervisor's own notes lie in the same memory, for every actor that enters it. */
const domainIn = (
  memory: SharedMemory,
  queueOf: (port: Port) => number,
): FifoDomain & { send(port: Port): boolean } => {
  const flags = new UpcallFlags(memory, 0)
  const array = pageAt(memory, ARRAY)
  const domain: FifoDomain = {
    arrayPage: () => array,
    controlPage: () => memory,
    controlWord: () => CONTROL,
    tail: (queue) => memory.load(TAILS + queue),
    setTail: (queue, port) => memory.store(TAILS + queue, port),
    lastQueue: (port) => memory.load(LAST + port),
    setLastQueue: (port, queue) => memory.store(LAST + port, queue),
    raiseUpcall: () => flags.raise(),
  }
  return { ...domain, send: (port) => setFifoPending(domain, port, 0, queueOf(port)) }
}

/** Hypercalls come one at a time. */
const locked = (memory: SharedMemory, context: ActorContext, call: () => boolean): void => {
  context.waitFor(LOCK)
  const wake = call()
  memory.storeOrdered(LOCK, 1)
  if (wake) memory.exchange(KICK, 1)
}

interface World {
  readonly ports: readonly Port[]
  readonly queueOf: (port: Port) => number
}

/** A domain that stores something and then raises the port. */
const sender =
  ({ ports, queueOf }: World, ...indices: number[]): Actor =>
  (memory, context) => {
    const domain = domainIn(memory, queueOf)
    for (const index of indices) {
      memory.storeOrdered(SENT + index, memory.loadOrdered(SENT + index) + 1)
      locked(memory, context, () => domain.send(ports[index]!))
      context.forget('sent')
    }
  }

interface GuestOptions {
  readonly budget: number
  readonly eoi: 'at once' | 'later'
  readonly fiddles?: boolean
}

/** A guest that sleeps for its wake-up and notes how much it has seen of each port. */
const guest =
  ({ ports, queueOf }: World, { budget, eoi, fiddles = false }: GuestOptions): Actor =>
  (memory, context) => {
    const domain = domainIn(memory, queueOf)
    const array = pageAt(memory, ARRAY)
    const events = new FifoEvents({
      flags: new UpcallFlags(memory, 0),
      control: memory,
      controlWord: CONTROL,
      array: { page: () => array },
      busyLooks: 2,
      unmask: (port) => locked(memory, context, () => unmaskFifoPort(domain, port, 0, queueOf(port))),
    })
    const unfinished: Port[] = []
    const dispatcher = new PortDispatcher(events, () => {})
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
    context.forget('ready')
    for (let due = false; ; ) {
      if (!due) context.waitFor(KICK)
      due = events.upcall(dispatcher, budget)
      for (let port = unfinished.pop(); port !== undefined; port = unfinished.pop()) dispatcher.eoi(port)
      context.forget(String(due))
    }
  }

const explore = (actors: readonly Actor[]) =>
  exploreInterleavings({
    bytes: 4096,
    prepare: (memory) => memory.store(LOCK, 1),
    actors,
    check: (memory, notes) => {
      const seen = [0, 0]
      for (const note of notes[0]!) seen[Math.floor(note / 100)] = note % 100
      expect(seen).toEqual(seen.map((_, index) => memory.load(SENT + index)))
      expect(memory.load(LOCK)).toBe(1)
    },
  })

const onePort: World = { ports: [1] as Port[], queueOf: () => 7 }
const oneQueue: World = { ports: [1, 2] as Port[], queueOf: () => 7 }
const twoQueues: World = {
  ports: [1, 2] as Port[],
  queueOf: (port) => (port === 1 ? 0 : EVTCHN_FIFO_QUEUES - 1),
}

describe('rule 65: no wake-up is lost in any order of memory accesses', () => {
  it.each([
    ['one port', onePort, [0]],
    ['the same port twice', onePort, [0, 0]],
    ['two ports of one queue', oneQueue, [0, 1]],
    ['two queues', twoQueues, [1, 0]],
  ] as const)('one sender, %s', (_, world, indices) => {
    const { endings, states } = explore([guest(world, { budget: 10, eoi: 'at once' }), sender(world, ...indices)])
    expect(endings).toBeGreaterThan(0)
    expect(states).toBeGreaterThan(100)
  })

  it('two senders, of one port and of two', () => {
    explore([guest(oneQueue, { budget: 10, eoi: 'at once' }), sender(oneQueue, 0), sender(oneQueue, 0)])
    explore([guest(oneQueue, { budget: 10, eoi: 'at once' }), sender(oneQueue, 0), sender(oneQueue, 1)])
  })

  it('a guest that ends the interrupt after the upcall', () => {
    explore([guest(oneQueue, { budget: 10, eoi: 'later' }), sender(oneQueue, 0, 0)])
  })

  it('E1: a guest that serves one event a call', () => {
    explore([guest(oneQueue, { budget: 1, eoi: 'at once' }), sender(oneQueue, 0, 1)])
    explore([guest(twoQueues, { budget: 1, eoi: 'later' }), sender(twoQueues, 1, 0)])
  })

  it('a guest that masks and unmasks', () => {
    explore([guest(oneQueue, { budget: 10, eoi: 'at once', fiddles: true }), sender(oneQueue, 0, 1)])
  })
})
