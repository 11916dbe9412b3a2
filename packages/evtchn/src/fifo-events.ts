import { EVTCHN_FIFO_CHANNELS, EVTCHN_FIFO_QUEUES, EventWord, type Port, type SharedMemory } from '@split-driver/abi'
import type { EventAbi, ServedPorts } from './event-abi.js'
import { EVENT_WORDS_PER_PAGE, type EventArray, HEAD_WORD, READY_WORD } from './fifo-words.js'
import type { PortSink } from './port-masking.js'
import { PortSet } from './port-set.js'
import type { UpcallFlags } from './upcall-flags.js'

const { Pending, Masked, Linked, Busy, LinkMask } = EventWord
const ALL_QUEUES = (1 << EVTCHN_FIFO_QUEUES) - 1

/** The hypervisor needs a word for a few instructions. */
const BUSY_LOOKS = 1000

const lowestBit = (bits: number): number => 31 - Math.clz32(bits & -bits)

export interface FifoParts {
  /** Of the vcpu that these events are for. */
  readonly flags: UpcallFlags
  /** The page that holds its control block, and the word of it where that begins. */
  readonly control: SharedMemory
  readonly controlWord: number
  readonly array: EventArray
  /** EVTCHNOP_unmask: clears the mask of a port that is pending, and signals it. */
  readonly unmask: (port: Port) => void
  /** `all` unless given. */
  readonly serves?: ServedPorts
  /** How often a word that is BUSY is looked at before `unmask` is asked; 1000 unless given. */
  readonly busyLooks?: number
}

/**
 * The guest's side of the FIFO event ABI, for one virtual CPU: 131,072 ports in 16 queues. The queue of the highest priority
 * that has an event is always served next; within one, events come in the order they were raised in. Whatever the shared
 * words hold, one upcall takes no more steps than its budget.
 * @see xen/include/public/event_channel.h; rule 65
 */
export class FifoEvents implements EventAbi {
  readonly portCount = EVTCHN_FIFO_CHANNELS
  readonly #flags: UpcallFlags
  readonly #control: SharedMemory
  readonly #ready: number
  readonly #head: number
  readonly #array: EventArray
  readonly #unmaskCall: (port: Port) => void
  readonly #claimed: PortSet | undefined
  readonly #busyLooks: number
  /** By priority: the next port of a queue that was begun; 0 where the control block tells. */
  readonly #next = new Int32Array(EVTCHN_FIFO_QUEUES)
  /** Queues that this upcall knows to have events. */
  #queues = 0
  #running = false

  constructor({ flags, control, controlWord, array, unmask, serves = 'all', busyLooks = BUSY_LOOKS }: FifoParts) {
    this.#flags = flags
    this.#control = control
    this.#ready = controlWord + READY_WORD
    this.#head = controlWord + HEAD_WORD
    this.#array = array
    this.#unmaskCall = unmask
    this.#busyLooks = busyLooks
    this.#claimed = serves === 'all' ? undefined : new PortSet(EVTCHN_FIFO_CHANNELS)
  }

  claim(port: Port): void {
    this.#claimed?.add(port)
  }

  disclaim(port: Port): void {
    this.#claimed?.delete(port)
  }

  maskAll(): void {
    for (let index = 0, page = this.#array.page(0); page !== undefined; page = this.#array.page(++index))
      for (let word = 0; word < EVENT_WORDS_PER_PAGE; word++) page.or(word, Masked)
  }

  mask(port: Port): void {
    this.#page(port).or(port % EVENT_WORDS_PER_PAGE, Masked)
  }

  /**
   * A port that is pending is unmasked by the hypervisor, which puts it into its queue.
   * @returns false always: the hypervisor has signalled what there was
   */
  unmask(port: Port): boolean {
    if (!this.#unmaskIfIdle(this.#page(port), port % EVENT_WORDS_PER_PAGE)) this.#unmaskCall(port)
    return false
  }

  isMasked(port: Port): boolean {
    return (this.#word(port) & Masked) !== 0
  }

  isPending(port: Port): boolean {
    return (this.#word(port) & Pending) !== 0
  }

  setPending(port: Port): void {
    this.#page(port).or(port % EVENT_WORDS_PER_PAGE, Pending)
  }

  clearPending(port: Port): boolean {
    return (this.#page(port).and(port % EVENT_WORDS_PER_PAGE, ~Pending) & Pending) !== 0
  }

  disableUpcalls(): void {
    this.#flags.disable()
  }

  enableUpcalls(): boolean {
    return this.#flags.enable()
  }

  upcall(sink: PortSink, budget: number): boolean {
    if (this.#running || this.#flags.disabled) return false
    this.#running = true
    let finished = false
    try {
      finished = this.#drain(sink, budget)
    } finally {
      this.#running = false
      if (!finished) this.#putBack()
    }
    return !finished
  }

  /** @returns false if work is left */
  #drain(sink: PortSink, budget: number): boolean {
    let left = budget
    for (let round = 0; round <= budget; round++) {
      if (!this.#flags.take()) return true
      this.#takeReady()
      while (this.#queues !== 0) {
        if (left-- <= 0) return false
        this.#consume(lowestBit(this.#queues), sink)
        this.#takeReady()
      }
    }
    return false
  }

  #takeReady(): void {
    this.#queues |= this.#control.exchange(this.#ready, 0) & ALL_QUEUES
  }

  /** Takes the first event off its queue, and delivers it unless it is masked or was cleared. */
  #consume(priority: number, sink: PortSink): void {
    const port = (this.#next[priority] || this.#control.loadOrdered(this.#head + priority)) as Port
    const page = this.#pageOf(port)
    const before = page === undefined ? 0 : page.and(port % EVENT_WORDS_PER_PAGE, ~(Linked | LinkMask))
    this.#next[priority] = before & LinkMask
    if (this.#next[priority] === 0) this.#queues &= ~(1 << priority)
    if (page === undefined || (before & (Pending | Masked)) !== Pending) return
    if (this.#claimed?.has(port) === false) this.#unmaskCall(port)
    else this.#deliver(page, port, sink)
  }

  /** As the two-level ABI does: mask, then clear, then hand over, looking at what the bits were (hostile row E2). */
  #deliver(page: SharedMemory, port: Port, sink: PortSink): void {
    const word = port % EVENT_WORDS_PER_PAGE
    if (page.or(word, Masked) & Masked) return
    if ((page.and(word, ~Pending) & Pending) === 0) this.unmask(port)
    else sink.deliver(port)
  }

  /** What was begun and not served lies in shared memory again: the hypervisor does not touch a queue's head till then. */
  #putBack(): void {
    for (let priority = 0; priority < EVTCHN_FIFO_QUEUES; priority++) {
      const port = this.#next[priority]!
      if (port !== 0) this.#control.storeOrdered(this.#head + priority, port)
      this.#next[priority] = 0
    }
    this.#control.or(this.#ready, this.#queues)
    this.#queues = 0
    this.#flags.raise()
  }

  /** Not while it is BUSY, and only if nothing is pending. @returns whether it is unmasked now */
  #unmaskIfIdle(page: SharedMemory, word: number): boolean {
    let seen = page.loadOrdered(word)
    for (let looks = 0; looks < this.#busyLooks; looks++) {
      if ((seen & Masked) === 0) return true
      if (seen & Pending) return false
      const expected = seen & ~Busy
      const now = page.compareExchange(word, expected, expected & ~Masked)
      if (now === expected) return true
      seen = now
    }
    return false
  }

  #word(port: Port): number {
    return this.#page(port).loadOrdered(port % EVENT_WORDS_PER_PAGE)
  }

  #pageOf(port: number): SharedMemory | undefined {
    return port === 0 || port >>> 0 >= this.portCount
      ? undefined
      : this.#array.page(Math.floor(port / EVENT_WORDS_PER_PAGE))
  }

  #page(port: Port): SharedMemory {
    const page = this.#pageOf(port)
    if (page === undefined) throw new RangeError(`port ${port} has no word in the event array yet`)
    return page
  }
}
