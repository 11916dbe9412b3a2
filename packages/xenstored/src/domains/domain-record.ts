import type { Domid } from '@split-driver/abi'
import type { DomainAccount } from '../quotas/domain-account.js'
import type { Quotas } from '../quotas/quotas.js'

/**
 * One life of a domain: what it has and what it holds rights by. A domid that comes back gets a record of its own, so
 * that nothing granted to the one before is granted to it (rule 53, S3).
 */
export class DomainRecord {
  readonly domid: Domid
  readonly account: DomainAccount
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
  readonly #quotas: Quotas

  constructor(quotas: Quotas) {
    this.#quotas = quotas
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

  all(): IterableIterator<DomainRecord> {
    return this.#byDomid.values()
  }

  end(record: DomainRecord): void {
    record.die()
    if (this.#byDomid.get(record.domid) === record) this.#byDomid.delete(record.domid)
  }
}

/** On whose behalf something is done. */
export interface Caller {
  readonly domain: DomainRecord
  /** Owns everything and is under no limit, as the control domain is. */
  readonly privileged: boolean
}
