import type { SharedMemory } from '@split-driver/abi'
import { type BackRing, RING_BROKEN } from '@split-driver/ring'

const MAX_SEGMENTS = 11
/** High word of the first sector beyond the disk; bench/c/ring-peer.c DISK_SECTORS. */
const DISK_END_HIGH = 0x100
/** A response's status −1, in its place in the word. */
const ERROR = -1 << 16

/**
 * The backend's half of the work, as bench/c/ring-peer.c does it: the words in use of each waiting request are fetched
 * once and judged, header first, then as many segments as the clamped count says; the answers are published at once.
 */
export class BlkifBackendLoad {
  readonly #ring: BackRing
  readonly #memory: SharedMemory

  constructor(ring: BackRing) {
    this.#ring = ring
    this.#memory = ring.memory
  }

  /** @returns how many requests it answered */
  serveRequests(): number {
    const ring = this.#ring
    const memory = this.#memory
    const count = ring.unconsumedRequests() | 0
    if (count === RING_BROKEN) throw new Error('the frontend broke the ring')
    if (count === 0) return 0
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
      // A last sector that would end beyond 2⁶⁴ lies beyond the disk by its high word alone.
      if (sectorHigh >>> 0 >= DISK_END_HIGH || (sectorLow & 7) !== 0) status = ERROR
      for (let k = 0; k < segmentCount; k = (k + 1) | 0) {
        const gref = memory.load((request + 6 + (k << 1)) | 0)
        const sectors = memory.load((request + 7 + (k << 1)) | 0)
        const last = (sectors >>> 8) & 0xff
        if (gref < 8 || (sectors & 0xff) > last || last > 7) status = ERROR
      }
      memory.store(response, idLow)
      memory.store((response + 1) | 0, idHigh)
      memory.store((response + 2) | 0, (head & 0xff) | status)
    }
    ring.consumeRequest(count)
    ring.advanceResponses(count)
    ring.publishResponses()
    return count
  }
}
