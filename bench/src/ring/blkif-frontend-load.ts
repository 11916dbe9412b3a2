import type { SharedMemory } from '@split-driver/abi'
import { type FrontRing, RING_BROKEN } from '@split-driver/ring'

/** bench/c/ring-peer.c ID_HIGH: a response that echoes only half of its id is noticed. */
const ID_HIGH = 0x5eed

/**
 * The frontend's half of the work, as bench/c/ring-peer.c does it: whatever slots are free are filled with reads of one
 * segment and published at once; each response is held against the id, operation and status that are due.
 * Words: operation and segment count 0, id 2 and 3, sector 4 and 5, gref 6, first and last sector 7; of a response: id 0
 * and 1, operation and status 2.
 */
export class BlkifFrontendLoad {
  readonly #ring: FrontRing
  readonly #memory: SharedMemory
  readonly #total: number
  #sent = 0
  #settled = 0
  #wrong = 0

  constructor(ring: FrontRing, total: number) {
    this.#ring = ring
    this.#memory = ring.memory
    this.#total = total
  }

  get done(): boolean {
    return this.#settled === this.#total
  }

  /** Batches that held a response which was not the one due. */
  get wrong(): number {
    return this.#wrong
  }

  putRequests(): void {
    const ring = this.#ring
    const memory = this.#memory
    const count = Math.min(ring.freeRequests(), this.#total - this.#sent) | 0
    if (count === 0) return
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

  takeResponses(): void {
    const ring = this.#ring
    const memory = this.#memory
    const count = ring.unconsumedResponses() | 0
    if (count === RING_BROKEN) throw new Error('the backend broke the ring')
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
