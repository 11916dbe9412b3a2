import type { SharedMemory } from '@split-driver/abi'
import { type FrontRing, RING_BROKEN } from '@split-driver/ring'
import type { Load } from './load.js'

/** bench/c/ring-peer.c ID_HIGH: a response that echoes only half of its id is noticed. */
const ID_HIGH = 0x5eed

/**
 * The frontend's half of the work, as bench/c/ring-peer.c does it: free slots are filled with reads of one segment, a
 * batch at most, and published at once; each response is held against the id, operation and status that are due.
 * Words: operation and segment count 0, id 2 and 3, sector 4 and 5, gref 6, first and last sector 7; of a response: id 0
 * and 1, operation and status 2.
 */
export class BlkifFrontendLoad {
  readonly #ring: FrontRing
  readonly #memory: SharedMemory
  readonly #roundTrips: number
  readonly #batch: number
  #sent = 0
  #settled = 0
  #wrong = 0

  constructor(ring: FrontRing, { roundTrips, batch }: Load) {
    this.#ring = ring
    this.#memory = ring.memory
    this.#roundTrips = roundTrips
    this.#batch = batch
  }

  get done(): boolean {
    return this.#settled === this.#roundTrips
  }

  /** Batches that held a response which was not the one due. */
  get wrong(): number {
    return this.#wrong
  }

  putRequests(): void {
    const count = Math.min(this.#ring.freeRequests(), this.#roundTrips - this.#sent, this.#batch)
    if (count > 0) this.#put(count)
  }

  takeResponses(): void {
    const count = this.#ring.unconsumedResponses()
    if (count === RING_BROKEN) throw new Error('the backend broke the ring')
    if (count > 0) this.#take(count)
  }

  // Apart from the look that finds nothing, as most looks of a polling end do: V8 inlines only what a function does often.
  #put(count: number): void {
    const ring = this.#ring
    const memory = this.#memory
    let id = this.#sent
    for (let i = 0; i < count; i = (i + 1) | 0, id = (id + 1) | 0) {
      const word = ring.requestWord(i)
      memory.store(word, 1 << 8)
      memory.store((word + 2) | 0, id)
      memory.store((word + 3) | 0, ID_HIGH)
      memory.store((word + 4) | 0, id << 3)
      memory.store((word + 5) | 0, id >>> 29)
      memory.store((word + 6) | 0, (8 + (id & 31)) | 0)
      memory.store((word + 7) | 0, 7 << 8)
    }
    this.#sent = id
    ring.advanceRequests(count)
    ring.publishRequests()
  }

  #take(count: number): void {
    const ring = this.#ring
    const memory = this.#memory
    let id = this.#settled
    let difference = 0
    for (let i = 0; i < count; i = (i + 1) | 0, id = (id + 1) | 0) {
      const word = ring.responseWord(i)
      difference |= memory.load(word) ^ id
      difference |= memory.load((word + 1) | 0) ^ ID_HIGH
      difference |= memory.load((word + 2) | 0)
    }
    ring.consumeResponse(count)
    this.#settled = id
    if (difference !== 0) this.#wrong++
  }
}
