import type { BackRing } from './back-ring.js'
import type { FrontRing } from './front-ring.js'
import { RING_BROKEN } from './shared-header.js'

/**
 * How a pass over a ring ended. `idle`: it is empty and will wake us; `more`: the pass reached its limit, and must be
 * followed by another, because nobody will wake us; `broken`: the peer's index is impossible, see `broken` of the ring.
 */
export type Drained = 'idle' | 'more' | 'broken'

interface Consumption<R> {
  unconsumed(ring: R): number
  finalCheck(ring: R): boolean
}

/**
 * Takes what waits on a ring until it is empty, but at most `limit` entries: a peer that fills as fast as we drain
 * must not hold the thread. Each turn costs at least one of `limit`, so a peer that toggles its index ends the pass, too.
 * `take` copies the entry and consumes it, and does not throw.
 */
const drain =
  <R extends FrontRing | BackRing>({ unconsumed, finalCheck }: Consumption<R>) =>
  (ring: R, limit: number, take: (ring: R) => void): Drained => {
    let left = limit
    while (left > 0) {
      const ready = unconsumed(ring)
      if (ready === RING_BROKEN) return 'broken'
      if (ready === 0) {
        if (!finalCheck(ring)) return ring.broken ? 'broken' : 'idle'
        left--
      }
      const batch = Math.min(ready, left)
      for (let i = 0; i < batch; i++) take(ring)
      left -= batch
    }
    return 'more'
  }

/** A backend's pass over its ring. */
export const drainRequests = drain<BackRing>({
  unconsumed: (ring) => ring.unconsumedRequests(),
  finalCheck: (ring) => ring.finalCheckForRequests(),
})

/** A frontend's pass over its ring. */
export const drainResponses = drain<FrontRing>({
  unconsumed: (ring) => ring.unconsumedResponses(),
  finalCheck: (ring) => ring.finalCheckForResponses(),
})
