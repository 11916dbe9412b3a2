import type { EventClock } from '@split-driver/evtchn'

export interface TestClock extends EventClock {
  /** Lets time pass, and timers go off, in order. */
  advance(milliseconds: number): void
  /** Timers that wait. */
  readonly timers: number
}

/** Time that passes only when a test says so. */
export const testClock = (): TestClock => {
  let time = 0
  const timers = new Set<{ readonly at: number; readonly callback: () => void }>()
  return {
    now: () => time,
    setTimer: (milliseconds, callback) => {
      const timer = { at: time + milliseconds, callback }
      timers.add(timer)
      return { cancel: () => timers.delete(timer) }
    },
    get timers() {
      return timers.size
    },
    advance: (milliseconds) => {
      const end = time + milliseconds
      for (;;) {
        const due = [...timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0]
        if (due === undefined) break
        timers.delete(due)
        time = due.at
        due.callback()
      }
      time = end
    },
  }
}
