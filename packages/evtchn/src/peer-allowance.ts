import type { StormPolicy } from './storm-policy.js'

/** What one peer's events have taken of us lately. The clock is read twice a window, not at each delivery. */
export class PeerAllowance {
  readonly #policy: StormPolicy
  readonly #now: () => number
  #windowBegan = 0
  #delivered = 0
  #pausedUntil = 0

  constructor(policy: StormPolicy, now: () => number) {
    this.#policy = policy
    this.#now = now
  }

  /** An event of the peer's is delivered. */
  spend(): void {
    const { peerDeliveries, peerMilliseconds } = this.#policy
    if (this.#delivered === 0) this.#windowBegan = this.#now()
    if (++this.#delivered < peerDeliveries) return
    this.#delivered = 0
    if (this.#now() - this.#windowBegan < peerMilliseconds) this.#pausedUntil = this.#windowBegan + peerMilliseconds
  }

  /** Until when the peer has to wait; a time that is over where it has not. */
  get pausedUntil(): number {
    return this.#pausedUntil
  }
}
