import type { Clock, Timer } from '@split-driver/platform'

/** The host's own time. The one place in the core where time comes in; every domain gets it through its Platform. */
export class HostClock implements Clock {
  readonly #began: number

  /** @param began when the machine was created, as `hostTime` told it: all its threads count from there */
  constructor(began: number) {
    this.#began = began
  }

  now(): number {
    return hostTime() - this.#began
  }

  setTimer(milliseconds: number, callback: () => void): Timer {
    if (milliseconds <= 0) return afterThisTurn(callback)
    const timer = setTimeout(callback, milliseconds)
    return { cancel: () => clearTimeout(timer) }
  }
}

/** The host's own timers round 0 up to a millisecond: too long for a drain loop that only lets others have their turn. */
const afterThisTurn = (callback: () => void): Timer => {
  let cancelled = false
  nextTurn(() => {
    if (!cancelled) callback()
  })
  return {
    cancel: () => {
      cancelled = true
    },
  }
}

/** Milliseconds, with fractions, from a moment that all threads of this host agree on. */
export const hostTime = (): number => performance.timeOrigin + performance.now()

/** From 0 to below 1, as the host has it: for waits that are spread, where nothing need be replayed. */
export const hostRandom = (): number => Math.random()

/** Node's; browsers have none. */
declare const setImmediate: ((callback: () => void) => unknown) | undefined

/** Calls back when the host has had a turn for its own events. */
export const nextTurn = (callback: () => void): void => {
  if (typeof setImmediate === 'function') setImmediate(callback)
  else messageTurn(callback)
}

/** A message to oneself: a browser's timers would wait 4 ms. */
const messageTurn = (callback: () => void): void => {
  const { port1, port2 } = new MessageChannel()
  port1.onmessage = () => {
    port1.close()
    callback()
  }
  port2.postMessage(undefined)
}
