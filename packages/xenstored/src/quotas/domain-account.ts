import { MemoryAlarm, type MemoryAlarmOptions } from './memory-alarm.js'
import { QUOTA_NAMES, type QuotaName, type QuotaValues } from './quota-values.js'

/** What is counted up and down. */
export type CountedQuota = 'nodes' | 'watches' | 'outstanding' | 'memory' | 'transactions'

/** What is judged piece by piece. */
export type MeasuredQuota = 'transaction-nodes' | 'node-permissions' | 'path-max' | 'node-size'

export interface DomainAccountOptions extends MemoryAlarmOptions {
  readonly quotas: QuotaValues
  /** The control domain's account is only kept, and never refuses. */
  readonly limited: boolean
  readonly onPeak: (name: QuotaName, value: number) => void
  readonly onCharge: (name: CountedQuota, used: number, change: number) => void
}

const NOTHING = Object.fromEntries(QUOTA_NAMES.map((name) => [name, 0])) as QuotaValues

/**
 * What one domain uses of what is limited, and how much it may (rule 52). A count is refused when it has reached its quota
 * (`>=`): of a quota of N there may be N. Bytes of memory and of a node must stay below theirs.
 */
export class DomainAccount {
  readonly quotas: QuotaValues
  readonly used: Record<CountedQuota, number> = { nodes: 0, watches: 0, outstanding: 0, memory: 0, transactions: 0 }
  readonly #peaks: QuotaValues = { ...NOTHING }
  readonly #limited: boolean
  readonly #onPeak: DomainAccountOptions['onPeak']
  readonly #onCharge: DomainAccountOptions['onCharge']
  readonly #alarm: MemoryAlarm

  constructor(options: DomainAccountOptions) {
    this.quotas = options.quotas
    this.#limited = options.limited
    this.#onPeak = options.onPeak
    this.#onCharge = options.onCharge
    this.#alarm = new MemoryAlarm(options)
  }

  /** The most that was used at a time. */
  peak(name: QuotaName): number {
    return this.#peaks[name]
  }

  /** From now on the peaks are what is used now. */
  forgetPeaks(): void {
    Object.assign(this.#peaks, NOTHING)
    for (const name of Object.keys(this.used) as CountedQuota[]) this.#note(name, this.used[name])
  }

  /** @param count may be negative */
  add(name: CountedQuota, count: number): void {
    this.#onCharge(name, this.used[name], count)
    const used = this.used[name] + count
    this.used[name] = used
    if (count > 0) this.#note(name, used)
    if (name === 'memory' && this.#limited) this.#alarm.look(used, this.quotas)
  }

  /** May there be `more` of it? */
  hasRoom(name: Exclude<CountedQuota, 'memory'>, more = 1): boolean {
    const quota = this.quotas[name]
    return !this.#limited || quota === 0 || this.used[name] + more <= quota
  }

  /** May `bytes` more be kept for the domain? */
  hasMemory(bytes: number): boolean {
    const quota = this.quotas.memory
    if (!this.#limited || quota === 0 || this.used.memory + bytes < quota) return true
    this.#alarm.refused()
    return false
  }

  /** Is a path, a node or the like not too large? */
  allows(name: MeasuredQuota, value: number): boolean {
    if (!this.#limited) return true
    const quota = this.quotas[name]
    const allowed = quota === 0 || value < quota || (value === quota && name !== 'node-size')
    if (allowed) this.#note(name, value)
    return allowed
  }

  #note(name: QuotaName, value: number): void {
    if (value <= this.#peaks[name]) return
    this.#peaks[name] = value
    this.#onPeak(name, value)
  }
}
