import type { Clock, Timer } from '@split-driver/platform'
import type { Scheduler } from './scheduler.js'

/** Most microseconds by which a timer runs later than it might. */
const LATENESS_MICROSECONDS = 50

/** Time that passes only as far as there is nothing to do before. */
export class VirtualClock implements Clock {
  readonly #scheduler: Scheduler
  readonly #domid: number

  /** @param domid whose timers these are */
  constructor(scheduler: Scheduler, domid: number) {
    this.#scheduler = scheduler
    this.#domid = domid
  }

  now(): number {
    return this.#scheduler.now / 1000
  }

  setTimer(milliseconds: number, callback: () => void): Timer {
    const least = Math.max(0, Math.ceil(milliseconds * 1000))
    const task = this.#scheduler.schedule(this.#domid, least + this.#scheduler.choose(LATENESS_MICROSECONDS), callback)
    return {
      cancel: () => {
        task.cancelled = true
      },
    }
  }
}
