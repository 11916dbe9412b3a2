import type { Clock, Timer } from '@split-driver/platform'

/** The host's own time; the one place in this package where time comes in. */
export class HostClock implements Clock {
  readonly #began = performance.now()

  now(): number {
    return performance.now() - this.#began
  }

  /** A delay of 0 is one turn of the event loop: a drain loop that only lets others have theirs waits no millisecond. */
  setTimer(milliseconds: number, callback: () => void): Timer {
    if (milliseconds <= 0) return nextTurn(callback)
    const timer = setTimeout(callback, milliseconds)
    return { cancel: () => clearTimeout(timer) }
  }
}

/** Calls back when the event loop has had a turn for other work. */
export const nextTurn = (callback: () => void): Timer => {
  const immediate = setImmediate(callback)
  return { cancel: () => clearImmediate(immediate) }
}
