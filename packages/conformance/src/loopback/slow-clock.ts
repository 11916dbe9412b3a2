import type { Clock, Timer } from '@split-driver/platform'

/** Time of a world that goes slower than its host's: everything in it has as much longer, waits for nothing included. */
export class SlowClock implements Clock {
  readonly #below: Clock
  readonly #slowness: number

  /** @param slowness how many of the host's milliseconds make one */
  constructor(below: Clock, slowness: number) {
    this.#below = below
    this.#slowness = slowness
  }

  now(): number {
    return this.#below.now() / this.#slowness
  }

  setTimer(milliseconds: number, callback: () => void): Timer {
    return this.#below.setTimer(milliseconds * this.#slowness, callback)
  }
}
