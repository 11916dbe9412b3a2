import type { Clock } from '@split-driver/platform'

/** Every timer is due in the next turn: what waits is asynchronous, and nothing takes long. */
export const nextTurnClock: Clock = {
  now: () => 0,
  setTimer: (_, callback) => {
    const timer = setImmediate(callback)
    return { cancel: () => clearImmediate(timer) }
  },
}
