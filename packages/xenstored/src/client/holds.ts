import type { Clock, Timer } from '@split-driver/platform'
import type { Caller, DomainRecord } from '../domains/domain-record.js'
import type { Observers } from '../server-observer.js'
import type { Clients } from './clients.js'

/** For how long a domain is held, by how long the transaction was open that it spoilt. */
const TIMES_ITS_AGE = 2
const LEAST_MS = 1
const MOST_MS = 1000

/**
 * A guest that changes what a transaction of the control domain has read makes that fail; one that does so all the time
 * would keep it from ever committing (S6, XSA-206). So it is not read from until there was time for another attempt. Among
 * guests nobody is held: one could hold up another by only reading what that one writes.
 */
export class Holds implements Disposable {
  readonly #clock: Clock | undefined
  readonly #clients: Clients
  readonly #observers: Observers
  readonly #timers = new Map<DomainRecord, Timer>()

  /** @param clock without it nobody is held */
  constructor(clients: Clients, observers: Observers, clock: Clock | undefined) {
    this.#clients = clients
    this.#observers = observers
    this.#clock = clock
  }

  /** Milliseconds, to measure how long a transaction is open. */
  now(): number {
    return this.#clock?.now() ?? 0
  }

  /** A transaction failed because of what `rival` did. */
  blame(victim: Caller, rival: DomainRecord | undefined, ageMs: number): void {
    if (this.#clock === undefined || rival === undefined || rival.held) return
    if (!victim.privileged || rival === victim.domain) return
    rival.held = true
    const ms = Math.min(Math.max(ageMs * TIMES_ITS_AGE, LEAST_MS), MOST_MS)
    this.#observers.current?.held?.(rival.domid, ms)
    this.#timers.set(
      rival,
      this.#clock.setTimer(ms, () => this.#release(rival)),
    )
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers.values()) timer.cancel()
    this.#timers.clear()
  }

  #release(domain: DomainRecord): void {
    this.#timers.delete(domain)
    domain.held = false
    this.#observers.current?.held?.(domain.domid, 0)
    for (const client of this.#clients.all()) if (client.caller.domain === domain) client.wake()
  }
}
