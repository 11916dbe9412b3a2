import type { Clock, Timer } from '@split-driver/platform'

/** Time that passes when the test says so; who only lets others have their turn waits for a microtask. */
export class ManualClock implements Clock {
  #now = 0
  readonly #timers = new Map<Timer, { at: number; callback: () => void }>()

  now(): number {
    return this.#now
  }

  get timers(): number {
    return this.#timers.size
  }

  setTimer(milliseconds: number, callback: () => void): Timer {
    const timer: Timer = { cancel: () => this.#timers.delete(timer) }
    if (milliseconds <= 0) queueMicrotask(callback)
    else this.#timers.set(timer, { at: this.#now + milliseconds, callback })
    return timer
  }

  advance(milliseconds: number): void {
    this.#now += milliseconds
    for (const [timer, { at, callback }] of [...this.#timers]) {
      if (at > this.#now) continue
      this.#timers.delete(timer)
      callback()
    }
  }
}
