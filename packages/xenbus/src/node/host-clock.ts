import type { EventClock } from '@split-driver/evtchn'

/** Node's own time and timers, for who has no Platform. */
export const hostClock: EventClock = {
  now: () => performance.now(),
  setTimer: (milliseconds, callback) => {
    const timer = setTimeout(callback, milliseconds)
    return { cancel: () => clearTimeout(timer) }
  },
}
