import type { Caller } from '../domains/domain-record.js'
import type { StoreHost } from '../store-host.js'
import { Transaction } from './transaction.js'

const ID_LIMIT = 2 ** 32

/** The open transactions of one client. An id is the client's own: others cannot name it. */
export class ClientTransactions {
  readonly #caller: Caller
  readonly #host: StoreHost
  readonly #byId = new Map<number, Transaction>()
  #lastId = 0

  constructor(caller: Caller, host: StoreHost) {
    this.#caller = caller
    this.#host = host
  }

  get(id: number): Transaction | undefined {
    return this.#byId.get(id)
  }

  /** @returns the id of a transaction that begins now */
  start(): number {
    do this.#lastId = (this.#lastId + 1) % ID_LIMIT
    while (this.#lastId === 0 || this.#byId.has(this.#lastId))
    const transaction = new Transaction(this.#host.store, this.#caller)
    this.#byId.set(this.#lastId, transaction)
    this.#host.transactions.add(transaction)
    this.#caller.domain.account.add('transactions', 1)
    return this.#lastId
  }

  /** The id names nothing any more. @returns what it named */
  end(id: number): Transaction | undefined {
    const transaction = this.#byId.get(id)
    if (transaction === undefined) return undefined
    this.#byId.delete(id)
    this.#host.transactions.delete(transaction)
    transaction.release()
    this.#caller.domain.account.add('transactions', -1)
    return transaction
  }

  clear(): void {
    for (const id of this.#byId.keys()) this.end(id)
  }
}
