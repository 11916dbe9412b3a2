import type { EventClock } from '@split-driver/evtchn'
import { type BackOffSpan, longestWait } from '@split-driver/xenbus'

export const NBD_BACK_OFF: BackOffSpan = { firstMs: 100, mostMs: 10_000 }

/** Tries until it succeeds: at once, then after waits that are random and grow. */
export class Reconnector {
  readonly #attempt: () => Promise<void>
  readonly #clock: EventClock
  readonly #random: () => number
  /** Tries since the last success that was worth the name. */
  #rounds = 0
  #running = false
  #stopped = false
  #timer: { cancel(): void } | undefined

  /** @param attempt rejects if it is to be tried again */
  constructor(attempt: () => Promise<void>, clock: EventClock, random: () => number) {
    this.#attempt = attempt
    this.#clock = clock
    this.#random = random
  }

  start(): void {
    if (this.#running || this.#stopped) return
    this.#running = true
    const longest = this.#rounds === 0 ? 0 : longestWait(NBD_BACK_OFF, this.#rounds - 1)
    this.#rounds++
    if (longest === 0) void this.#try()
    else this.#timer = this.#clock.setTimer(this.#random() * longest, () => void this.#try())
  }

  /** What was connected is of use: the next loss is a new one. */
  settled(): void {
    this.#rounds = 0
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
  }

  async #try(): Promise<void> {
    try {
      await this.#attempt()
      this.#running = false
    } catch {
      this.#running = false
      this.start()
    }
  }
}
