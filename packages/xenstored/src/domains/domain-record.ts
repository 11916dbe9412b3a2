import type { Domid } from '@split-driver/abi'

/**
 * One life of a domain: what it has and what it holds rights by. A domid that comes back gets a record of its own, so
 * that nothing granted to the one before is granted to it (rule 53, S3).
 */
export class DomainRecord {
  readonly domid: Domid
  /** Nodes in the tree that this domain owns. */
  nodeCount = 0
  watchCount = 0
  transactionCount = 0
  #alive = true

  constructor(domid: Domid) {
    this.domid = domid
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

  /** A toolstack names a domain in permissions before it introduces it: its record begins then. */
  of(domid: Domid): DomainRecord {
    let record = this.#byDomid.get(domid)
    if (record === undefined) {
      record = new DomainRecord(domid)
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
