import { EVTCHN_2L_CHANNELS, LEGACY_MAX_VCPUS, type Port, SharedInfo, type SharedMemory } from '@split-driver/abi'
import type { PortMasking, PortSink } from './port-masking.js'
import { raiseUpcall } from './two-level-hypervisor.js'
import { bitOf, maskWordOf, pendingWordOf, selWord, upcallMaskByte, upcallPendingByte } from './two-level-words.js'

const WORDS = EVTCHN_2L_CHANNELS / 32
const PENDING = SharedInfo.at.evtchnPending.word
const MASK = SharedInfo.at.evtchnMask.word
/** Groups of 64 ports, one for each bit of the selector. */
const GROUPS = EVTCHN_2L_CHANNELS / 64

const lowestBit = (bits: number): number => 31 - Math.clz32(bits & -bits)

/** Which bits of a word belong to ports from `cursor` on. */
const bitsFrom = (word: number, cursor: number): number => {
  const bit = cursor - word * 32
  return bit <= 0 ? -1 : bit >= 32 ? 0 : -1 << bit
}

/**
 * The guest's side of the two-level event ABI, for one virtual CPU: 4096 ports, their bits in the shared-info page.
 * Every step is a sequentially consistent operation, as the hypervisor works on the same words at the same time.
 * @see xen/include/public/xen.h shared_info, vcpu_info; rules 61, 63, 64
 */
export class TwoLevelEvents implements PortMasking {
  readonly #page: SharedMemory
  readonly #vcpu: number
  readonly #sel: number
  readonly #upcallPending: number
  readonly #upcallMask: number
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
   */
  constructor(page: SharedMemory, vcpu = 0) {
    if (!Number.isInteger(vcpu) || vcpu < 0 || vcpu >= LEGACY_MAX_VCPUS)
      throw new RangeError(`vcpu ${vcpu} has no vcpu_info in the shared-info page`)
    this.#page = page
    this.#vcpu = vcpu
    this.#sel = selWord(vcpu)
    this.#upcallPending = upcallPendingByte(vcpu)
    this.#upcallMask = upcallMaskByte(vcpu)
  }

  /** Masks every port, as a guest does first of all. Events that are pending already are kept. */
  maskAll(): void {
    for (let word = 0; word < WORDS; word++) this.#page.storeOrdered(MASK + word, -1)
  }

  mask(port: Port): void {
    this.#page.or(maskWordOf(port), bitOf(port))
  }

  /**
   * Clears the mask, then looks again: an edge that came while the port was masked signalled nobody (rule 63).
   * @returns true if the event was raised anew: the caller must see to it that `upcall` runs, nobody else will. False
   * inside a running upcall, which looks again by itself.
   */
  unmask(port: Port): boolean {
    const bit = bitOf(port)
    this.#page.and(maskWordOf(port), ~bit)
    if ((this.#page.loadOrdered(pendingWordOf(port)) & bit) === 0) return false
    return raiseUpcall(this.#page, this.#vcpu, port) && !this.#running
  }

  isMasked(port: Port): boolean {
    return (this.#page.loadOrdered(maskWordOf(port)) & bitOf(port)) !== 0
  }

  setPending(port: Port): void {
    this.#page.or(pendingWordOf(port), bitOf(port))
  }

  /** @returns whether it was pending */
  clearPending(port: Port): boolean {
    const bit = bitOf(port)
    return (this.#page.and(pendingWordOf(port), ~bit) & bit) !== 0
  }

  isPending(port: Port): boolean {
    return (this.#page.loadOrdered(pendingWordOf(port)) & bitOf(port)) !== 0
  }

  /** No upcall does anything until `enableUpcalls`: the guest's "interrupts off". */
  disableUpcalls(): void {
    this.#page.exchange8(this.#upcallMask, 1)
  }

  /** @returns true if an upcall came meanwhile: the caller must run `upcall` now */
  enableUpcalls(): boolean {
    this.#page.exchange8(this.#upcallMask, 0)
    return this.#page.load8(this.#upcallPending) !== 0
  }

  /**
   * Delivers what is pending and not masked, masking and clearing each port first. Ports take turns: a scan goes on behind
   * the port that was served last. Harmless when nothing is pending, when upcalls are disabled and, from inside `deliver`,
   * when one is running: that one will look again. If `deliver` throws, what was not served is kept for the next call.
   * @param budget how many deliveries at most
   * @returns true if there may be more: the caller must call again, nobody else will
   */
  upcall(sink: PortSink, budget: number): boolean {
    if (this.#running || this.#page.load8(this.#upcallMask) !== 0) return false
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
      if (this.#page.exchange8(this.#upcallPending, 0) === 0) return true
      this.#selLow = this.#page.exchange(this.#sel, 0)
      this.#selHigh = this.#page.exchange(this.#sel + 1, 0)
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
    this.#page.exchange8(this.#upcallPending, 1)
  }

  /** Once round all ports from the cursor on; the cursor's own group comes first from there up, last below that. */
  #scan(sink: PortSink): boolean {
    const cursor = this.#cursor
    const start = cursor >> 6
    for (let group = this.#selected(start); group < GROUPS; group = this.#selected(group + 1)) {
      if (!this.#scanGroup(group, cursor, 'from', sink)) return false
    }
    for (let group = this.#selected(0); group <= start; group = this.#selected(group + 1)) {
      if (!this.#scanGroup(group, cursor, 'below', sink)) return false
    }
    this.#selLow = 0
    this.#selHigh = 0
    return true
  }

  /** The first group of 64 ports, from `group` on, whose selector bit was set; GROUPS if there is none. */
  #selected(group: number): number {
    const low = group < 32 ? this.#selLow & (-1 << group) : 0
    if (low !== 0) return lowestBit(low)
    const high = group < 32 ? this.#selHigh : group < GROUPS ? this.#selHigh & (-1 << (group - 32)) : 0
    return high === 0 ? GROUPS : 32 + lowestBit(high)
  }

  #scanGroup(group: number, cursor: number, side: 'from' | 'below', sink: PortSink): boolean {
    for (let word = group * 2; word < group * 2 + 2; word++) {
      const from = bitsFrom(word, cursor)
      if (!this.#scanWord(word, side === 'from' ? from : ~from, sink)) return false
    }
    return true
  }

  /** @returns false if the budget ran out before an event of this word */
  #scanWord(word: number, within: number, sink: PortSink): boolean {
    if (within === 0) return true
    let bits = this.#page.loadOrdered(PENDING + word) & ~this.#page.loadOrdered(MASK + word) & within
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
    if (this.#page.or(maskWordOf(port), bit) & bit) return
    if (!this.clearPending(port)) {
      this.unmask(port)
      return
    }
    this.#budget--
    this.#cursor = (port + 1) % EVTCHN_2L_CHANNELS
    sink.deliver(port)
  }
}
