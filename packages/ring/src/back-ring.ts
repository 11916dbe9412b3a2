import type { SharedMemory } from '@split-driver/abi'
import { after, distance, RingSlots } from './indices.js'
import { publishAndCheckNotify, REQ_EVENT, REQ_PROD, RING_BROKEN, RSP_EVENT, RSP_PROD } from './shared-header.js'

/**
 * The backend's end: requests come out, responses go in. Synchronous, allocates nothing, never notifies by itself.
 * Of the shared memory it believes nothing: what it has taken and pushed it keeps in private indices.
 *
 * An entry can be moved by itself (`copyRequest`, `putResponse`), or a batch in place: fetch or write words of `memory`
 * from `requestWord(i)` or `responseWord(i)` on, then consume or advance them all at once.
 * @see xen/include/public/io/ring.h __name##_back_ring
 */
export class BackRing extends RingSlots {
  // Numbers have initial values so that V8 knows from the start that they are small integers.
  #rspProdPvt = 0
  #rspProd = 0
  #reqCons = 0
  #broken = false

  private constructor(memory: SharedMemory, slotBytes: number, index: number) {
    super(memory, slotBytes)
    this.#rspProdPvt = index | 0
    this.#rspProd = index | 0
    this.#reqCons = index | 0
  }

  /**
   * Joins a ring that a frontend has initialised and may be using already (rule 1): requests that nobody has answered are
   * met again.
   * @param memory all the ring's pages, one after the other
   * @param slotBytes the larger of request and response, in this frontend's ABI
   * @param reqCons where both private indices begin; by default the last response that was published
   * @throws RangeError if not one slot fits
   * @see ring.h BACK_RING_ATTACH
   */
  static attach(memory: SharedMemory, slotBytes: number, reqCons = memory.loadOrdered(RSP_PROD)): BackRing {
    return new BackRing(memory, slotBytes, reqCons)
  }

  /** The next request to take; a u32. */
  get reqCons(): number {
    return this.#reqCons >>> 0
  }

  /** Where the next response goes; a u32. */
  get rspProdPvt(): number {
    return this.#rspProdPvt >>> 0
  }

  /** The frontend published an impossible producer. Stays true: leave this ring alone and report the device. */
  get broken(): boolean {
    return this.#broken
  }

  /**
   * How many requests wait; one look at the shared index serves a whole batch. No more than the slots that hold neither
   * a request in work nor a response (rule 6); a producer beyond those, or behind `reqCons`, is hostile (rule 7).
   * @returns RING_BROKEN for a hostile producer
   * @see ring.h XEN_RING_NR_UNCONSUMED_REQUESTS
   */
  unconsumedRequests(): number {
    const available = distance(this.memory.loadOrdered(REQ_PROD), this.#reqCons)
    if (available > this.ringSize - this.#inWork()) this.#broken = true
    return this.#broken ? RING_BROKEN : available
  }

  /** Are all slots in work, so that not one more request may be taken? @see ring.h RING_REQUEST_CONS_OVERFLOW */
  requestConsOverflow(): boolean {
    return this.#inWork() >= this.ringSize
  }

  /**
   * Does the frontend claim more requests than the ring has slots, or fewer than it did? Looks at the shared index.
   * @see ring.h RING_REQUEST_PROD_OVERFLOW
   */
  requestProdOverflow(): boolean {
    return this.unconsumedRequests() === RING_BROKEN
  }

  /** The word at which the next request begins, or that of the request `ahead` further on. */
  requestWord(ahead = 0): number {
    return this.wordAhead(this.#reqCons, ahead)
  }

  /** The word at which the next response's slot begins, or that of the response `ahead` further on. */
  responseWord(ahead = 0): number {
    return this.wordAhead(this.#rspProdPvt, ahead)
  }

  /**
   * Fetches words `fromWord` … `fromWord + words - 1` of the request at `reqCons`, each once, into private memory
   * (rule 8). Judge what sizes the next fetch, such as a segment count, on the copy.
   * @see ring.h RING_COPY_REQUEST
   */
  copyRequest(target: Int32Array, at: number, fromWord: number, words: number): void {
    this.memory.copyOut(this.requestWord() + fromWord, words, target, at)
  }

  /** The next `count` requests have been fetched; from now on responses may take their slots. */
  consumeRequest(count = 1): void {
    this.#reqCons = after(this.#reqCons, count)
  }

  /**
   * Copies `words` private words from `source[at]` on into the next response's slot, and touches no other byte. The
   * frontend sees it after a push.
   * @throws RangeError if no consumed request is left to answer
   */
  putResponse(source: Int32Array, at: number, words: number): void {
    const word = this.responseWord()
    this.advanceResponses()
    this.memory.copyIn(word, source, at, words)
  }

  /** The next `count` responses have been filled in place. @throws RangeError if fewer consumed requests wait for one */
  advanceResponses(count = 1): void {
    if (count > this.#inWork()) throw new RangeError('more responses were put than requests were consumed')
    this.#rspProdPvt = after(this.#rspProdPvt, count)
  }

  /** Publishes the responses put so far, for a frontend that polls. @see ring.h RING_PUSH_RESPONSES */
  publishResponses(): void {
    this.#rspProd = this.#rspProdPvt
    this.memory.storeOrdered(RSP_PROD, this.#rspProd)
  }

  /**
   * Publishes the responses put so far.
   * @returns whether the frontend must be notified
   * @see ring.h RING_PUSH_RESPONSES_AND_CHECK_NOTIFY
   */
  pushResponses(): boolean {
    const old = this.#rspProd
    this.#rspProd = this.#rspProdPvt
    return publishAndCheckNotify(this.memory, RSP_PROD, this.#rspProd, RSP_EVENT, old)
  }

  /**
   * Before sleeping: looks, asks to be woken by the next request, and looks once more (rule 5).
   * @returns whether there is work, so that sleeping would lose it; false also if the ring is `broken`
   * @see ring.h RING_FINAL_CHECK_FOR_REQUESTS
   */
  finalCheckForRequests(): boolean {
    const count = this.unconsumedRequests()
    if (count !== 0) return count > 0
    this.memory.storeOrdered(REQ_EVENT, after(this.#reqCons, 1))
    return this.unconsumedRequests() > 0
  }

  /** Requests consumed and not yet answered. */
  #inWork(): number {
    return distance(this.#reqCons, this.#rspProdPvt)
  }
}
