/** How much of our time events may take of us, beyond the work that they are for. */
export interface StormPolicy {
  /**
   * Milliseconds that a port stays masked after the second spurious event in a row; each further one doubles it. The first
   * event that worked ends that.
   */
  readonly firstDelay: number
  /** Milliseconds that doubling stops at. */
  readonly longestDelay: number
  /** Deliveries, over all ports of one peer, in so many milliseconds; then the peer waits until they are over. */
  readonly peerDeliveries: number
  readonly peerMilliseconds: number
}

/**
 * Far above what a device needs, whose events come by the batch, and a few percent of a core at most: 400 deliveries a
 * millisecond of one peer, 10 a second of a port that never has any work.
 */
export const DEFAULT_STORM_POLICY: StormPolicy = {
  firstDelay: 1,
  longestDelay: 100,
  peerDeliveries: 4000,
  peerMilliseconds: 10,
}
