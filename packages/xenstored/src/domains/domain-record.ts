import type { Domid } from '@split-driver/abi'
import { XenStoreServerFeature } from '@split-driver/xenbus'
import type { DomainAccount } from '../quotas/domain-account.js'
import type { Quotas } from '../quotas/quotas.js'

/** All that this server can do of what a domain may want to know. @see docs/misc/xenstore-ring.txt */
export const OFFERED_FEATURES =
  XenStoreServerFeature.Reconnection | XenStoreServerFeature.Error | XenStoreServerFeature.WatchDepth

/**
 * One life of a domain: what it has and what it holds rights by. A domid that comes back gets a record of its own, so
 * that nothing granted to the one before is granted to it (rule 53, S3).
 */
export class DomainRecord {
  readonly domid: Domid
  readonly account: DomainAccount
  /** `XenStoreServerFeature` bits that it is offered; fixed once it is introduced (rule 53). */
  features: number = OFFERED_FEATURES
  /** The domain that this one may act for: whatever that one may do, so may this (SET_TARGET). */
  target: DomainRecord | undefined
  /** It is not read from for the moment. */
  held = false
  #alive = true

  constructor(domid: Domid, account: DomainAccount) {
    this.domid = domid
    this.account = account
  }

  get alive(): boolean {
    return this.#alive
  }

  /** From now on every permission that names this record is void. */
  die(): void {
    this.#alive = false
  }
}

/** The records of all domains that are alive, or that were named in a permission before they came to life. */
export class DomainRecords {
  readonly #byDomid = new Map<Domid, DomainRecord>()
  readonly #nobodies = new Map<Domid, DomainRecord>()
  readonly #quotas: Quotas
  readonly #exists: ((domid: Domid) => boolean) | undefined

  /** @param exists what the machine says; where it says nothing, any domain may be about to come */
  constructor(quotas: Quotas, exists?: (domid: Domid) => boolean) {
    this.#quotas = quotas
    this.#exists = exists
  }

  /** A toolstack names a domain in permissions before it introduces it: its record begins then. */
  of(domid: Domid): DomainRecord {
    let record = this.#byDomid.get(domid)
    if (record === undefined) {
      record = new DomainRecord(domid, this.#quotas.open(domid))
      this.#byDomid.set(domid, record)
    }
    return record
  }

  knows(domid: Domid): boolean {
    return this.#byDomid.has(domid)
  }

  /**
   * As `of`, if there is such a domain: what is granted to one that is not there must not wait for the next (rule 53). Where
   * the machine does not say, the privileged may speak of any; others cannot make us keep records (S4).
   */
  find(domid: Domid, privileged = true): DomainRecord | undefined {
    const known = this.#byDomid.get(domid)
    if (known !== undefined) return known
    return (this.#exists?.(domid) ?? privileged) ? this.of(domid) : undefined
  }

  /** Nobody, for a permission that names a domain that does not exist: always dead, and the same for each domid. */
  nobody(domid: Domid): DomainRecord {
    let record = this.#nobodies.get(domid)
    if (record === undefined) {
      const [anybody] = this.#nobodies.values()
      record = new DomainRecord(domid, anybody?.account ?? this.#quotas.open(domid))
      record.die()
      this.#nobodies.set(domid, record)
    }
    return record
  }

  all(): IterableIterator<DomainRecord> {
    return this.#byDomid.values()
  }

  end(record: DomainRecord): void {
    record.die()
    for (const other of this.#byDomid.values()) if (other.target === record) other.target = undefined
    if (this.#byDomid.get(record.domid) === record) this.#byDomid.delete(record.domid)
  }
}

/** On whose behalf something is done. */
export interface Caller {
  readonly domain: DomainRecord
  /** Owns everything and is under no limit, as the control domain is. */
  readonly privileged: boolean
}
