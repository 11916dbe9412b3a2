import { setTimeout as sleep } from 'node:timers/promises'

/** Milliseconds between two looks at something that tells nobody when it changes. */
const LOOK_AGAIN_MS = 50

/**
 * `promise`, or an error when it is not settled in time: no wait of a scenario is without end.
 * @param what is waited for, as the error shall say it
 */
export const inTime = async <T>(seconds: number, what: string, promise: Promise<T>): Promise<T> => {
  const settled = new AbortController()
  const late = async (): Promise<never> => {
    await sleep(seconds * 1000, undefined, { signal: settled.signal })
    throw new Error(`waited ${seconds} s in vain for ${what}`)
  }
  try {
    return await Promise.race([promise, late()])
  } finally {
    settled.abort()
  }
}

/** Looks again and again until `look` finds something other than `undefined` and `false`. @returns what it found */
export const until = async <T>(
  seconds: number,
  what: string,
  look: () => T | Promise<T>,
): Promise<Exclude<T, undefined | false>> => {
  const deadline = performance.now() + seconds * 1000
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== false) return found as Exclude<T, undefined | false>
    if (performance.now() > deadline) throw new Error(`waited ${seconds} s in vain for ${what}`)
    await sleep(LOOK_AGAIN_MS)
  }
}
