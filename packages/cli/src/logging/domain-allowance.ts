import type { Clock } from '@split-driver/platform'
import type { Log, LogFields } from './log.js'

/** Lines that one domain may cause in a period: a guest that connects and breaks off for ever must not fill the disk. */
const LINES = 40
const PERIOD_MS = 10_000

/** Domains that are counted at once; the counts of the oldest are forgotten beyond that. */
const MOST_DOMAINS = 4096

interface Count {
  readonly periodEnd: number
  lines: number
  dropped: number
}

/** A log that bounds what each domain can make it say. Lines without a domid are not counted. */
export class DomainAllowance implements Log {
  readonly #log: Log
  readonly #clock: Clock
  readonly #counts = new Map<number, Count>()

  constructor(log: Log, clock: Clock) {
    this.#log = log
    this.#clock = clock
  }

  debug(fields: LogFields, message: string): void {
    if (this.#admit(fields)) this.#log.debug(fields, message)
  }

  info(fields: LogFields, message: string): void {
    if (this.#admit(fields)) this.#log.info(fields, message)
  }

  warn(fields: LogFields, message: string): void {
    if (this.#admit(fields)) this.#log.warn(fields, message)
  }

  error(fields: LogFields, message: string): void {
    if (this.#admit(fields)) this.#log.error(fields, message)
  }

  #admit({ domid }: LogFields): boolean {
    if (typeof domid !== 'number') return true
    const count = this.#countOf(domid)
    count.lines++
    if (count.lines <= LINES) return true
    if (count.dropped++ === 0)
      this.#log.warn({ event: 'quiet', domid }, `the domain causes too many lines: nothing more of it for a while`)
    return false
  }

  #countOf(domid: number): Count {
    const now = this.#clock.now()
    const count = this.#counts.get(domid)
    if (count !== undefined && now < count.periodEnd) return count
    if (count !== undefined && count.dropped > 0)
      this.#log.warn({ event: 'quiet-end', domid, lines: count.dropped }, 'lines of the domain were left out')
    const fresh = { periodEnd: now + PERIOD_MS, lines: 0, dropped: 0 }
    this.#counts.delete(domid)
    this.#counts.set(domid, fresh)
    const oldest = this.#counts.keys().next()
    if (this.#counts.size > MOST_DOMAINS && !oldest.done) this.#counts.delete(oldest.value)
    return fresh
  }
}
