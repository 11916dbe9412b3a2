import type { Port, SharedMemory } from '@split-driver/abi'
import type { EventAbi, ServedPorts } from './event-abi.js'
import type { PortSink } from './port-masking.js'
import { PortSet } from './port-set.js'
import { raiseUpcall } from './two-level-hypervisor.js'
import { bitOf, TWO_LEVEL_64, type TwoLevelWords } from './two-level-words.js'
import { UpcallFlags } from './upcall-flags.js'

const lowestBit = (bits: number): number => 31 - Math.clz32(bits & -bits)

/** Which bits of a word belong to ports from `cursor` on. */
const bitsFrom = (word: number, cursor: number): number => {
  const bit = cursor - word * 32
  return bit <= 0 ? -1 : bit >= 32 ? 0 : -1 << bit
}

/**
 * The guest's side of the two-level event ABI, for one virtual CPU: 4096 ports, or 1024 of a 32-bit guest, their bits in the
 * shared-info page. Ports take turns: a scan goes on behind the port that was served last.
 * @see xen/include/public/xen.h shared_info, vcpu_info; rules 61, 63, 64
 */
export class TwoLevelEvents implements EventAbi {
  readonly portCount: number
  readonly #page: SharedMemory
  readonly #vcpu: number
  readonly #words: TwoLevelWords
  readonly #flags: UpcallFlags
  readonly #pending: number
  readonly #mask: number
  readonly #sel: number
  /** Groups of ports, one for each bit of the selector. */
  readonly #groups: number
  readonly #groupShift: number
  readonly #claimed: PortSet | undefined
  /** Where the next scan begins: behind the port that was served last. */
  #cursor = 0
  /** Selector bits that this upcall took and has not scanned yet, two halves. */
  #selLow = 0
  #selHigh = 0
  #budget = 0
  #running = false

  /**
   * @param page the shared-info page
   * @param vcpu whose vcpu_info to use, 0 … 31
   * @param words how the page is laid out; for a guest of 64 bits unless given
   */
  constructor(page: SharedMemory, vcpu = 0, words = TWO_LEVEL_64, serves: ServedPorts = 'all') {
    this.portCount = words.portCount
    this.#page = page
    this.#vcpu = vcpu
    this.#words = words
    this.#flags = new UpcallFlags(page, vcpu, words)
    this.#pending = words.pending
    this.#mask = words.mask
    this.#sel = words.sel(vcpu)
    this.#groups = words.portCount >> words.groupShift
    this.#groupShift = words.groupShift
    this.#claimed = serves === 'all' ? undefined : new PortSet(words.portCount)
  }

  claim(port: Port): void {
    this.#claimed?.add(port)
  }

  disclaim(port: Port): void {
    this.#claimed?.delete(port)
  }

  maskAll(): void {
    for (let word = 0; word < this.portCount >> 5; word++) this.#page.storeOrdered(this.#mask + word, -1)
  }

  mask(port: Port): void {
    this.#page.or(this.#maskWord(port), bitOf(port))
  }

  /**
   * Clears the mask, then looks again: an edge that came while the port was masked signalled nobody (rule 63).
   * @returns true if the event was raised anew: the caller must see to it that `upcall` runs, nobody else will. False
   * inside a running upcall, which looks again by itself.
   */
  unmask(port: Port): boolean {
    const bit = bitOf(port)
    this.#page.and(this.#maskWord(port), ~bit)
    if ((this.#page.loadOrdered(this.#pendingWord(port)) & bit) === 0) return false
    return raiseUpcall(this.#page, this.#vcpu, port, this.#words) && !this.#running
  }

  isMasked(port: Port): boolean {
    return (this.#page.loadOrdered(this.#maskWord(port)) & bitOf(port)) !== 0
  }

  setPending(port: Port): void {
    this.#page.or(this.#pendingWord(port), bitOf(port))
  }

  clearPending(port: Port): boolean {
    const bit = bitOf(port)
    return (this.#page.and(this.#pendingWord(port), ~bit) & bit) !== 0
  }

  isPending(port: Port): boolean {
    return (this.#page.loadOrdered(this.#pendingWord(port)) & bitOf(port)) !== 0
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
    this.#budget = budget
    let finished = false
    try {
      finished = this.#drain(sink, budget + 1)
    } finally {
      this.#running = false
      if (!finished) this.#putBack()
    }
    return !finished
  }

  /** Clear upcall_pending, take the selector, scan; until nobody set it again (rule 64). @returns false if work is left */
  #drain(sink: PortSink, maxRounds: number): boolean {
    for (let round = 0; round < maxRounds; round++) {
      if (!this.#flags.take()) return true
      this.#selLow = this.#page.exchange(this.#sel, 0)
      if (this.#groups > 32) this.#selHigh = this.#page.exchange(this.#sel + 1, 0)
      if (!this.#scan(sink)) return false
    }
    return false
  }

  /** What was taken and not served lies in shared memory again, so that any later upcall finds it. */
  #putBack(): void {
    if (this.#selLow !== 0) this.#page.or(this.#sel, this.#selLow)
    if (this.#selHigh !== 0) this.#page.or(this.#sel + 1, this.#selHigh)
    this.#selLow = 0
    this.#selHigh = 0
    this.#flags.raise()
  }

  /** Once round all ports from the cursor on; the cursor's own group comes first from there up, last below that. */
  #scan(sink: PortSink): boolean {
    const cursor = this.#cursor
    const start = cursor >> this.#groupShift
    for (let group = this.#selected(start); group < this.#groups; group = this.#selected(group + 1)) {
      if (!this.#scanGroup(group, cursor, 'from', sink)) return false
    }
    for (let group = this.#selected(0); group <= start; group = this.#selected(group + 1)) {
      if (!this.#scanGroup(group, cursor, 'below', sink)) return false
    }
    this.#selLow = 0
    this.#selHigh = 0
    return true
  }

  /** The first group of ports, from `group` on, whose selector bit was set; the number of groups if there is none. */
  #selected(group: number): number {
    const low = group < 32 ? this.#selLow & (-1 << group) : 0
    if (low !== 0) return lowestBit(low)
    const high = group < 32 ? this.#selHigh : group < this.#groups ? this.#selHigh & (-1 << (group - 32)) : 0
    return high === 0 ? this.#groups : 32 + lowestBit(high)
  }

  #scanGroup(group: number, cursor: number, side: 'from' | 'below', sink: PortSink): boolean {
    const shift = this.#groupShift - 5
    for (let word = group << shift; word < (group + 1) << shift; word++) {
      const from = bitsFrom(word, cursor)
      if (!this.#scanWord(word, side === 'from' ? from : ~from, sink)) return false
    }
    return true
  }

  /** @returns false if the budget ran out before an event of this word */
  #scanWord(word: number, within: number, sink: PortSink): boolean {
    const wanted = this.#claimed === undefined ? within : within & this.#claimed.bits(word)
    if (wanted === 0) return true
    let bits = this.#page.loadOrdered(this.#pending + word) & ~this.#page.loadOrdered(this.#mask + word) & wanted
    while (bits !== 0) {
      if (this.#budget <= 0) return false
      const bit = lowestBit(bits)
      bits &= bits - 1
      this.#deliver((word * 32 + bit) as Port, sink)
    }
    return true
  }

  /**
   * Mask, then clear, then hand over. Both steps look at what the bit was: since the word was read, an earlier handler
   * may have masked this port, or closed it (hostile row E2).
   */
  #deliver(port: Port, sink: PortSink): void {
    const bit = bitOf(port)
    if (this.#page.or(this.#maskWord(port), bit) & bit) return
    if (!this.clearPending(port)) {
      this.unmask(port)
      return
    }
    this.#budget--
    this.#cursor = (port + 1) % this.portCount
    sink.deliver(port)
  }

  #maskWord(port: Port): number {
    return this.#mask + (port >> 5)
  }

  #pendingWord(port: Port): number {
    return this.#pending + (port >> 5)
  }
}
