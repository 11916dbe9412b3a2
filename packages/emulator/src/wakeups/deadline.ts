import type { Clock, Timer } from '@split-driver/platform'

/** In a millisecond. */
export const NANOSECONDS = 1e6

/** Milliseconds; a host's timer cannot wait longer at a time. */
const LONGEST_TIMER = 0x7fff_ffff

/** System time of the machine in whole nanoseconds; what its time-stamp counter counts, too. */
export const systemTimeOf = (clock: Clock): number => Math.floor(clock.now() * NANOSECONDS)

/** Milliseconds until a deadline in system time; not positive when it has passed. */
export const untilDeadline = (clock: Clock, deadline: number): number => (deadline - systemTimeOf(clock)) / NANOSECONDS

/** Calls back once the deadline has passed; never before, as the host's own timers do by a fraction of a millisecond. */
export const atDeadline = (clock: Clock, deadline: number, callback: () => void): Timer => {
  const arm = (): Timer =>
    clock.setTimer(Math.min(Math.max(0, untilDeadline(clock, deadline)), LONGEST_TIMER), () => {
      if (untilDeadline(clock, deadline) > 0) timer = arm()
      else callback()
    })
  let timer = arm()
  return { cancel: () => timer.cancel() }
}
