import type { SharedMemory } from '@split-driver/abi'
import { type BackRing, RING_BROKEN } from '@split-driver/ring'
import type { Load } from './load.js'

const MAX_SEGMENTS = 11
/** High word of the first sector beyond the disk; bench/c/ring-peer.c DISK_SECTORS. */
const DISK_END_HIGH = 0x100
/** A response's status −1, in its place in the word. */
const ERROR = -1 << 16

/**
 * The backend's half of the work, as bench/c/ring-peer.c does it: the words in use of the waiting requests, a batch at
 * most, are fetched once and judged, header first, then as many segments as the clamped count says; the answers are published at once.
 */
export class BlkifBackendLoad {
  readonly #ring: BackRing
  readonly #memory: SharedMemory
  readonly #batch: number

  constructor(ring: BackRing, { batch }: Load) {
    this.#ring = ring
    this.#memory = ring.memory
    this.#batch = batch
  }

  /** @returns how many requests it answered */
  serveRequests(): number {
    const count = Math.min(this.#ring.unconsumedRequests(), this.#batch)
    if (count === RING_BROKEN) throw new Error('the frontend broke the ring')
    if (count > 0) this.#serve(count)
    return count
  }

  // Apart from the look that finds nothing, as most looks of a polling end do: V8 inlines only what a function does often.
  #serve(count: number): void {
    const ring = this.#ring
    const memory = this.#memory
    for (let i = 0; i < count; i = (i + 1) | 0) {
      const request = ring.requestWord(i)
      const response = ring.responseWord(i)
      const head = memory.load(request)
      const idLow = memory.load((request + 2) | 0)
      const idHigh = memory.load((request + 3) | 0)
      const sectorLow = memory.load((request + 4) | 0)
      const sectorHigh = memory.load((request + 5) | 0)
      const segmentCount = Math.min((head >>> 8) & 0xff, MAX_SEGMENTS)
      let status = (head & 0xff) !== 0 || segmentCount === 0 ? ERROR : 0
      if (sectorHigh >>> 0 >= DISK_END_HIGH || (sectorLow & 7) !== 0) status = ERROR
      status |= statusOfSegment(memory, (request + 6) | 0)
      // The first apart, because most requests have no other.
      for (let k = 1; k < segmentCount; k++) status |= statusOfSegment(memory, (request + 6 + (k << 1)) | 0)
      memory.store(response, idLow)
      memory.store((response + 1) | 0, idHigh)
      memory.store((response + 2) | 0, (head & 0xff) | status)
    }
    ring.consumeRequest(count)
    ring.advanceResponses(count)
    ring.publishResponses()
  }
}

const statusOfSegment = (memory: SharedMemory, word: number): number => {
  const gref = memory.load(word) >>> 0
  const sectors = memory.load((word + 1) | 0)
  const last = (sectors >>> 8) & 0xff
  return gref < 8 || (sectors & 0xff) > last || last > 7 ? ERROR : 0
}
