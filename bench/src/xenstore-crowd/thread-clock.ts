import type { Clock } from '@split-driver/platform'

/** This thread's time; a timer of 0 lets whatever else there is to do be done, and no more. */
export const threadClock: Clock = {
  now: () => performance.now(),
  setTimer: (milliseconds, callback) => {
    if (milliseconds > 0) {
      const timer = setTimeout(callback, milliseconds)
      return { cancel: () => clearTimeout(timer) }
    }
    const turn = setImmediate(callback)
    return { cancel: () => clearImmediate(turn) }
  },
}
