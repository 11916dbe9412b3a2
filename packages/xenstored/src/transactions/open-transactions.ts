import type { XenstoreLimits } from '../quotas/limits.js'
import type { Transaction } from './transaction.js'

/**
 * The open transactions of all clients, the oldest first. Each keeps the tree alive that it began with; together they keep
 * at most what was written since the oldest began, so bounding that bounds them all (S4).
 */
export class OpenTransactions {
  readonly #open = new Set<Transaction>()
  readonly #limits: XenstoreLimits

  constructor(limits: XenstoreLimits) {
    this.#limits = limits
  }

  add(transaction: Transaction): void {
    this.#open.add(transaction)
  }

  delete(transaction: Transaction): void {
    this.#open.delete(transaction)
  }

  /** To be called after each change to the store. */
  leaveBehindTheOldest(): void {
    for (const transaction of this.#open) {
      if (transaction.driftBytes <= this.#limits.transactionDriftBytes) return
      transaction.leaveBehind()
      this.#open.delete(transaction)
    }
  }
}
