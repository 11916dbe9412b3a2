import type { Clock, Timer } from '@split-driver/platform'
import { ConformanceFailure } from './assert.js'

/** Milliseconds of the world's own clock after which something that should have happened counts as lost. */
export const PATIENCE_MS = 5000

/** Milliseconds between two looks at something that raises no event. */
const POLL_MS = 1

/** Milliseconds that a suite watches for something that must not happen. */
const QUIET_MS = 10

const sleep = (clock: Clock, milliseconds: number): Promise<void> =>
  new Promise((resolve) => {
    clock.setTimer(milliseconds, resolve)
  })

/** `promise`, or a failure when it is not settled in time: no wait of a suite is without end. */
export const within = async <T>(
  clock: Clock,
  promise: Promise<T>,
  what: string,
  milliseconds = PATIENCE_MS,
): Promise<T> => {
  let timer: Timer | undefined
  const late = new Promise<never>((_, reject) => {
    timer = clock.setTimer(milliseconds, () => {
      reject(new ConformanceFailure(`waited ${milliseconds} ms in vain for ${what}`))
    })
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    timer?.cancel()
  }
}

/** Looks again and again until `condition` holds. */
export const eventually = async (
  clock: Clock,
  condition: () => boolean | Promise<boolean>,
  what: string,
  milliseconds = PATIENCE_MS,
): Promise<void> => {
  const deadline = clock.now() + milliseconds
  while (!(await condition())) {
    if (clock.now() > deadline) throw new ConformanceFailure(`waited ${milliseconds} ms in vain for ${what}`)
    await sleep(clock, POLL_MS)
  }
}

/** Time in which whatever is under way would have shown itself. */
export const quiet = (clock: Clock): Promise<void> => sleep(clock, QUIET_MS)
