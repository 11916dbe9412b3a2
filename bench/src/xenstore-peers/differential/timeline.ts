import { XenStoreOp } from '@split-driver/xenbus'
import { nodeOf } from './clients.js'
import type { Operation } from './operation.js'

/** What is known of the transaction that a request is in. */
export interface TransactionPast {
  /** Nodes that it asked about. */
  readonly asked: readonly string[]
  /** Nodes that it changed; of those that it made, the outermost. */
  readonly changed: readonly string[]
  /** Nodes that were changed outside of it since it began; the root stands for any. */
  readonly moved: readonly string[]
}

interface Transaction {
  /** The daemon's number for it. */
  readonly id: number
  /** How many changes there were when it began. */
  readonly begunAt: number
  readonly asked: string[]
  readonly changed: string[]
}

const changing: ReadonlySet<number> = new Set([
  XenStoreOp.Write,
  XenStoreOp.Mkdir,
  XenStoreOp.Rm,
  XenStoreOp.SetPerms,
  XenStoreOp.Release,
  XenStoreOp.Introduce,
])

/** How an operation went. */
interface Ending {
  readonly done: boolean
  /** Of the one that it began. */
  readonly id: number
  readonly again: boolean
  /** The outermost node that there was not before, or else the node itself. */
  readonly outermost: string | undefined
}

/** The clients' transactions at one daemon, and the order of what changed its tree. */
export class Timeline {
  readonly #open: Transaction[][]
  readonly #changed: string[] = []

  constructor(clients: number) {
    this.#open = Array.from({ length: clients }, () => [])
  }

  /** Open transactions of each client. */
  get slots(): number[] {
    return this.#open.map(({ length }) => length)
  }

  idsOf(client: number): number[] {
    return this.#open[client]!.map(({ id }) => id)
  }

  /** Of the operation's transaction, if it is in one that is open. */
  pastOf(operation: Operation): TransactionPast | undefined {
    const transaction = this.#transactionOf(operation)
    return transaction && { ...transaction, moved: this.#changed.slice(transaction.begunAt) }
  }

  note(operation: Operation, { done, id, again, outermost }: Ending): void {
    const { client, type, body } = operation
    const transaction = this.#transactionOf(operation)
    const path = nodeOf(operation)
    if (path !== undefined) transaction?.asked.push(path)
    if (done && changing.has(type)) (transaction?.changed ?? this.#changed).push(outermost ?? '/')
    if (type === XenStoreOp.TransactionStart && done)
      this.#open[client]!.push({ id, begunAt: this.#changed.length, asked: [], changed: [] })
    if (type === XenStoreOp.TransactionEnd && (done || again) && transaction !== undefined) {
      this.#open[client]!.splice(this.#open[client]!.indexOf(transaction), 1)
      if (done && body[0] === 'T'.charCodeAt(0)) this.#changed.push(...transaction.changed)
    }
    if (type === XenStoreOp.ResetWatches && done) this.forget(client)
  }

  /** Its transactions are over. */
  forget(client: number): void {
    this.#open[client]!.length = 0
  }

  #transactionOf({ client, transaction }: Operation): Transaction | undefined {
    return typeof transaction === 'object' ? this.#open[client]?.[transaction.slot] : undefined
  }
}
