import type { Clock, Timer } from '@split-driver/platform'

/** How many events of one domain are served in a period. */
export interface EventRate {
  /** At least 1; Infinity for no limit. */
  readonly events: number
  readonly milliseconds: number
}

/** What xenconsoled allows a domain (rule 60). */
export const XENCONSOLED_EVENT_RATE: EventRate = { events: 30, milliseconds: 200 }

/**
 * Counts a domain's events against its rate. The event that exhausts the allowance is served, but its end is withheld
 * until the period is over; as a port is not delivered again before that, a flood costs its sender alone.
 */
export class EventAllowance {
  readonly #clock: Clock
  readonly #rate: EventRate
  #periodEnd = Number.NEGATIVE_INFINITY
  #spent = 0
  #timer: Timer | undefined
  #withheld = 0

  constructor(clock: Clock, rate: EventRate) {
    if (!(rate.events >= 1) || !(rate.milliseconds > 0))
      throw new RangeError(`no event rate: ${rate.events} in ${rate.milliseconds} ms`)
    this.#clock = clock
    this.#rate = rate
  }

  /** How often the allowance has been exhausted. */
  get withheld(): number {
    return this.#withheld
  }

  /** Counts an event that has been served; calls `end` now or when the period is over. */
  spend(end: () => void): void {
    const now = this.#clock.now()
    if (now >= this.#periodEnd) {
      this.#periodEnd = now + this.#rate.milliseconds
      this.#spent = 0
    }
    this.#spent++
    if (this.#spent < this.#rate.events) {
      end()
      return
    }
    this.#withheld++
    this.#timer = this.#clock.setTimer(this.#periodEnd - now, end)
  }

  /** Forgets an end that is withheld. */
  cancel(): void {
    this.#timer?.cancel()
  }
}
