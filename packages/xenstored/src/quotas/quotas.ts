import type { Domid } from '@split-driver/abi'
import type { Observers } from '../server-observer.js'
import { DomainAccount } from './domain-account.js'
import type { MemoryLevel } from './memory-alarm.js'
import { DEFAULT_QUOTAS, type QuotaName, type QuotaValues } from './quota-values.js'

export interface QuotasOptions {
  /** What differs from `DEFAULT_QUOTAS`. */
  readonly defaults?: Partial<QuotaValues> | undefined
  /** The one domain that is under no quota. */
  readonly controlDomid: Domid
  /** Milliseconds; without it a domain is warned of once. */
  readonly now?: (() => number) | undefined
  readonly onMemory: (domid: Domid, level: MemoryLevel) => void
  readonly observers: Observers
}

/** The quotas of the whole server: what a domain that is new begins with, and how much of each was ever used. */
export class Quotas {
  readonly defaults: QuotaValues
  /** What `defaults` were when the server began. */
  readonly given: Readonly<QuotaValues>
  /** The most that any domain but the control domain used. */
  readonly peaks = new Map<QuotaName, number>()
  readonly #options: QuotasOptions

  constructor(options: QuotasOptions) {
    this.defaults = { ...DEFAULT_QUOTAS, ...options.defaults }
    this.given = { ...this.defaults }
    this.#options = options
  }

  /** The account of a domain that is new. */
  open(domid: Domid): DomainAccount {
    const { controlDomid, now = () => 0, onMemory, observers } = this.#options
    const limited = domid !== controlDomid
    return new DomainAccount({
      quotas: { ...this.defaults },
      limited,
      now,
      onPeak: (name, value) => {
        if (limited && value > (this.peaks.get(name) ?? 0)) this.peaks.set(name, value)
      },
      onCharge: (name, used, change) => observers.current?.charged?.(domid, name, used, change),
      onMemory: (level) => onMemory(domid, level),
    })
  }
}
