import type { EventClock } from '@split-driver/evtchn'
import type { AbortListeners } from './abort-listeners.js'

/** Where waits and chance come from; nothing is ambient. A Platform's clock is such a clock. */
export interface Pacing {
  /** Without one nothing waits. */
  readonly clock?: Pick<EventClock, 'setTimer'> | undefined
  /** From 0 to below 1. Without it each wait has its full length, and clients that met once meet again. */
  readonly random?: (() => number) | undefined
}

/** How long is waited between tries, in milliseconds. */
export interface BackOffSpan {
  /** At most this after the first try; twice as much after each further one. */
  readonly firstMs: number
  /** Never more than this. */
  readonly mostMs: number
}

/** Milliseconds. @param round 0 after the first try */
export const longestWait = ({ firstMs, mostMs }: BackOffSpan, round: number): number =>
  Math.min(mostMs, firstMs * 2 ** Math.min(round, 30))

/** Waits between tries: random, growing, bounded. */
export class BackOff {
  readonly #span: BackOffSpan
  readonly #pacing: Pacing
  readonly #listeners: AbortListeners

  constructor(span: BackOffSpan, pacing: Pacing, listeners: AbortListeners) {
    this.#span = span
    this.#pacing = pacing
    this.#listeners = listeners
  }

  /** @param round 0 after the first try @throws the signal's reason */
  async wait(round: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    const { clock, random = () => 1 } = this.#pacing
    if (clock === undefined) return
    const most = longestWait(this.#span, round)
    let cancel = (): void => undefined
    const waited = new Promise<void>((resolve) => {
      const timer = clock.setTimer(random() * most, resolve)
      cancel = () => timer.cancel()
    })
    try {
      await this.#listeners.untilAborted(waited, signal)
    } finally {
      cancel()
    }
  }
}
