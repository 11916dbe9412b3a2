import type { Caller } from '../domains/domain-record.js'
import type { ObservedClient } from '../server-observer.js'
import type { StoreHost } from '../store-host.js'
import { type SavedTransaction, Transaction } from './transaction.js'

const ID_LIMIT = 2 ** 32

/** What is left of a transaction of which nothing is known. */
const LOST: SavedTransaction = {
  ...{ trees: undefined, driftBytes: 0, cost: 0, heldBytes: 0 },
  ...{ nodes: [], listings: [], subtrees: [], touched: [], events: [] },
  nodeCounts: new Map(),
}

export interface TransactionOwner extends ObservedClient {
  readonly caller: Caller
}

/** The open transactions of one client. An id is the client's own: others cannot name it. */
export class ClientTransactions {
  readonly #client: TransactionOwner
  readonly #host: StoreHost
  readonly #byId = new Map<number, Transaction>()
  #lastId = 0

  constructor(client: TransactionOwner, host: StoreHost) {
    this.#client = client
    this.#host = host
  }

  all(): IterableIterator<[number, Transaction]> {
    return this.#byId.entries()
  }

  get(id: number): Transaction | undefined {
    return this.#byId.get(id)
  }

  /** @returns the id of a transaction that begins now */
  start(): number {
    do this.#lastId = (this.#lastId + 1) % ID_LIMIT
    while (this.#lastId === 0 || this.#byId.has(this.#lastId))
    const transaction = new Transaction(this.#host.store, this.#client.caller, this.#host.holds.now())
    this.#add(this.#lastId, transaction)
    this.#host.transactions.add(transaction)
    return this.#lastId
  }

  /** The id that was given out last. */
  get lastId(): number {
    return this.#lastId
  }

  /** Goes on from where another left off. */
  continueAfter(lastId: number): void {
    this.#lastId = lastId
  }

  /** One that was open elsewhere. Whoever restores all of them makes them known to the host, the oldest first. */
  restore(id: number, saved: SavedTransaction): Transaction {
    const transaction = Transaction.restore(this.#host.store, this.#client.caller, this.#host.holds.now(), saved)
    this.#add(id, transaction)
    return transaction
  }

  /** One that was open when a server was killed: it shows the store as it is, and its end is EAGAIN. */
  restoreLost(id: number): void {
    this.restore(id, LOST)
  }

  /** The id names nothing any more. @returns what it named */
  end(id: number): Transaction | undefined {
    const transaction = this.#byId.get(id)
    if (transaction === undefined) return undefined
    this.#byId.delete(id)
    this.#host.transactions.delete(transaction)
    transaction.release()
    this.#client.caller.domain.account.add('transactions', -1)
    this.#host.observers.current?.destroyed?.('transaction', this.#client)
    return transaction
  }

  #add(id: number, transaction: Transaction): void {
    this.#byId.set(id, transaction)
    this.#client.caller.domain.account.add('transactions', 1)
    this.#host.observers.current?.created?.('transaction', this.#client)
  }

  clear(): void {
    for (const id of this.#byId.keys()) this.end(id)
  }
}
