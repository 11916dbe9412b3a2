import type { Clock, Timer } from '@split-driver/platform'

/** Pages that were used by no request for two of these may be let go. @see Linux xen-blkback persistent_grant_unused_seconds */
const SWEEP_MS = 30_000

/** Sweeps from time to time, as long as there is something to be swept: what is idle sets no timer. */
export class Sweeper {
  readonly #clock: Clock
  readonly #sweep: () => boolean
  #timer: Timer | undefined

  /** @param sweep tells whether it must come again */
  constructor(clock: Clock, sweep: () => boolean) {
    this.#clock = clock
    this.#sweep = sweep
  }

  /** Something may be there to be swept. */
  start(): void {
    this.#timer ??= this.#clock.setTimer(SWEEP_MS, this.#run)
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  readonly #run = (): void => {
    this.#timer = undefined
    if (this.#sweep()) this.start()
  }
}
