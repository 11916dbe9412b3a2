import { type Domid, XenError } from '@split-driver/abi'
import type { Clock } from '@split-driver/platform'
import type { ConsoledDaemon } from '../consoled/consoled-daemon.js'

/** What libxl gives a console daemon. */
const PATIENCE_MS = 10_000

/**
 * Which consoles are served, and who waits for one: a domain runs only when what it says will be heard.
 */
export class ConsoleReadiness {
  readonly #clock: Clock
  readonly #served = new Set<Domid>()
  readonly #waiting = new Map<Domid, { resolve: () => void; reject: (error: Error) => void }>()

  /** @param consoled not opened yet: nothing is missed then */
  constructor(consoled: ConsoledDaemon, clock: Clock) {
    this.#clock = clock
    consoled.on('connect', (domid) => {
      this.#served.add(domid)
      this.#waiting.get(domid)?.resolve()
    })
    consoled.on('disconnect', (domid) => this.#served.delete(domid))
    consoled.on('console-error', (domid, error) => this.#waiting.get(domid)?.reject(error))
  }

  /** @throws what is wrong with the console; XenError EIO if nobody serves it within ten seconds */
  async of(domid: Domid): Promise<void> {
    if (this.#served.has(domid)) return
    const late = new XenError('EIO', `nobody serves the console of domain ${domid}`, { detail: { domid } })
    try {
      await new Promise<void>((resolve, reject) => {
        const timer = this.#clock.setTimer(PATIENCE_MS, () => reject(late))
        this.#waiting.set(domid, {
          resolve: () => {
            timer.cancel()
            resolve()
          },
          reject: (error) => {
            timer.cancel()
            reject(error)
          },
        })
      })
    } finally {
      this.#waiting.delete(domid)
    }
  }
}
