import type { Port } from '@split-driver/abi'
import type { Platform } from '@split-driver/platform'
import { assert, assertEqual } from './assert.js'
import { eventually, quiet } from './wait.js'

/** Listens on a port and counts; `withhold` leaves the end of each delivery to the test. */
export class PortProbe implements Disposable {
  readonly port: Port
  readonly #platform: Platform
  readonly #withhold: boolean
  #deliveries = 0
  #open = true

  constructor(platform: Platform, port: Port, how: 'eoi at once' | 'withhold eoi' = 'eoi at once') {
    this.#platform = platform
    this.port = port
    this.#withhold = how === 'withhold eoi'
    platform.events.listen(port, () => {
      this.#deliveries++
      if (!this.#withhold) platform.events.eoi(port)
    })
  }

  get deliveries(): number {
    return this.#deliveries
  }

  notify(): void {
    this.#platform.events.notify(this.port)
  }

  /** Exactly `count` deliveries since the beginning: that many come, and no more do. */
  async expect(count: number, what: string): Promise<void> {
    await eventually(this.#platform.clock, () => this.#deliveries >= count, `delivery ${count}: ${what}`)
    await quiet(this.#platform.clock)
    assertEqual(this.#deliveries, count, `deliveries, ${what}`)
  }

  /** Deliveries since the beginning: one comes at least, and no more than `most` do. */
  async expectAtMost(most: number, what: string): Promise<void> {
    await eventually(this.#platform.clock, () => this.#deliveries > 0, `a delivery: ${what}`)
    await quiet(this.#platform.clock)
    assert(this.#deliveries <= most, `deliveries, ${what}: ${this.#deliveries}, not ${most} at most`)
  }

  /** Closes the port, if the test has not done so. */
  unbind(): void {
    if (!this.#open) return
    this.#open = false
    this.#platform.events.unbind(this.port)
  }

  [Symbol.dispose](): void {
    this.unbind()
  }
}
