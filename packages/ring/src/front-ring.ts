import type { SharedMemory } from '@split-driver/abi'
import { after, distance, RingSlots } from './indices.js'
import {
  initialiseHeader,
  publishAndCheckNotify,
  REQ_EVENT,
  REQ_PROD,
  RING_BROKEN,
  RSP_EVENT,
  RSP_PROD,
} from './shared-header.js'

/**
 * The frontend's end: requests go in, responses come out. Synchronous, allocates nothing, never notifies by itself.
 * Of the shared memory it believes nothing: what it has pushed and taken it keeps in private indices.
 *
 * An entry can be moved by itself (`putRequest`, `copyResponse`), or a batch in place: write or fetch words of `memory`
 * from `requestWord(i)` or `responseWord(i)` on, then advance or consume them all at once.
 * @see xen/include/public/io/ring.h __name##_front_ring
 */
export class FrontRing extends RingSlots {
  // Numbers have initial values so that V8 knows from the start that they are small integers.
  #reqProdPvt = 0
  #reqProd = 0
  #rspCons = 0
  #broken = false

  private constructor(memory: SharedMemory, slotBytes: number, index: number) {
    super(memory, slotBytes)
    this.#reqProdPvt = index | 0
    this.#reqProd = index | 0
    this.#rspCons = index | 0
  }

  /**
   * Makes `memory` an empty ring; only a frontend does that (rule 1).
   * @param memory all the ring's pages, one after the other
   * @param slotBytes the larger of request and response, such as blkif's 112
   * @throws RangeError if not one slot fits
   * @see ring.h XEN_FRONT_RING_INIT
   */
  static initialise(memory: SharedMemory, slotBytes: number): FrontRing {
    const ring = new FrontRing(memory, slotBytes, 0)
    initialiseHeader(memory)
    return ring
  }

  /**
   * Takes over a ring on which nothing is outstanding, with both private indices at `rspProd`.
   * @param rspProd by default what the backend has published
   * @see ring.h FRONT_RING_ATTACH
   */
  static attach(memory: SharedMemory, slotBytes: number, rspProd = memory.loadOrdered(RSP_PROD)): FrontRing {
    return new FrontRing(memory, slotBytes, rspProd)
  }

  /** Where the next request goes; a u32. */
  get reqProdPvt(): number {
    return this.#reqProdPvt >>> 0
  }

  /** The next response to take; a u32. */
  get rspCons(): number {
    return this.#rspCons >>> 0
  }

  /** The backend published an impossible producer. Stays true: leave this ring alone and report the device. */
  get broken(): boolean {
    return this.#broken
  }

  /** @see ring.h RING_FREE_REQUESTS */
  freeRequests(): number {
    return this.ringSize - distance(this.#reqProdPvt, this.#rspCons)
  }

  /** @see ring.h RING_FULL */
  isFull(): boolean {
    return this.freeRequests() === 0
  }

  /** The word at which the next request's slot begins, or that of the request `ahead` further on. */
  requestWord(ahead = 0): number {
    return this.wordAhead(this.#reqProdPvt, ahead)
  }

  /** The word at which the next response begins, or that of the response `ahead` further on. */
  responseWord(ahead = 0): number {
    return this.wordAhead(this.#rspCons, ahead)
  }

  /**
   * Copies `words` private words from `source[at]` on into the next request's slot. The backend sees it after a push.
   * @throws RangeError if the ring is full
   */
  putRequest(source: Int32Array, at: number, words: number): void {
    const word = this.requestWord()
    this.advanceRequests()
    this.memory.copyIn(word, source, at, words)
  }

  /** The next `count` slots have been filled in place. @throws RangeError if fewer were free */
  advanceRequests(count = 1): void {
    if (count > this.freeRequests()) throw new RangeError('more requests were put than the ring has room for')
    this.#reqProdPvt = after(this.#reqProdPvt, count)
  }

  /** Publishes the requests put so far, for a backend that polls. @see ring.h RING_PUSH_REQUESTS */
  publishRequests(): void {
    this.#reqProd = this.#reqProdPvt
    this.memory.storeOrdered(REQ_PROD, this.#reqProd)
  }

  /**
   * Publishes the requests put so far.
   * @returns whether the backend must be notified
   * @see ring.h RING_PUSH_REQUESTS_AND_CHECK_NOTIFY
   */
  pushRequests(): boolean {
    const old = this.#reqProd
    this.#reqProd = this.#reqProdPvt
    return publishAndCheckNotify(this.memory, REQ_PROD, this.#reqProd, REQ_EVENT, old)
  }

  /**
   * How many responses wait; one look at the shared index serves a whole batch.
   * @returns RING_BROKEN if there cannot be as many
   * @see ring.h XEN_RING_NR_UNCONSUMED_RESPONSES
   */
  unconsumedResponses(): number {
    const count = distance(this.memory.loadOrdered(RSP_PROD), this.#rspCons)
    if (count > this.ringSize) this.#broken = true
    return this.#broken ? RING_BROKEN : count
  }

  /**
   * Fetches the first `words` words of the response at `rspCons`, each once, into private memory (rule 8). The slot is
   * the backend's until `consumeResponse`.
   * @see ring.h RING_COPY_RESPONSE
   */
  copyResponse(target: Int32Array, at: number, words: number): void {
    this.memory.copyOut(this.responseWord(), words, target, at)
  }

  /** The next `count` responses have been fetched; their slots are free for requests. */
  consumeResponse(count = 1): void {
    this.#rspCons = after(this.#rspCons, count)
  }

  /**
   * Before sleeping: looks, asks to be woken by the next response, and looks once more (rule 5).
   * @returns whether there is work, so that sleeping would lose it; false also if the ring is `broken`
   * @see ring.h RING_FINAL_CHECK_FOR_RESPONSES
   */
  finalCheckForResponses(): boolean {
    const count = this.unconsumedResponses()
    if (count !== 0) return count > 0
    this.memory.storeOrdered(RSP_EVENT, after(this.#rspCons, 1))
    return this.unconsumedResponses() > 0
  }

  /**
   * Does the backend claim more responses than the ring has slots, or fewer than it did? Looks at the shared index.
   * @see ring.h RING_RESPONSE_PROD_OVERFLOW
   */
  responseProdOverflow(): boolean {
    return this.unconsumedResponses() === RING_BROKEN
  }
}
