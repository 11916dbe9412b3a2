import type { Life, ModelCaller } from './model-state.js'
import type { ModelTransaction } from './model-transaction.js'

export interface ModelWatch {
  /** Absolute, or special. */
  readonly path: string
  readonly token: string
  readonly relative: boolean
  /** Levels below the path that are watched, too; all if it is `undefined`. */
  readonly depth: number | undefined
}

/** How a client reaches the server: a domain's one ring page, or a channel of which it may have many. */
export type Transport = 'ring' | 'channel'

/** One connection of a domain. */
export class ModelClient {
  readonly life: Life
  readonly transport: Transport
  connected = true
  watches: ModelWatch[] = []
  readonly transactions = new Map<number, ModelTransaction>()
  /** What it is to be told, as `path token`. */
  events: string[] = []
  #lastId = 0

  constructor(life: Life, transport: Transport) {
    this.life = life
    this.transport = transport
  }

  /** With the rights that it has now. */
  get caller(): ModelCaller {
    const { life } = this
    return { life, privileged: life.domid === 0, target: life.target?.alive ? life.target : undefined }
  }

  /** @returns the transaction's id, which only this client knows */
  begin(transaction: ModelTransaction): number {
    this.#lastId += 1
    this.transactions.set(this.#lastId, transaction)
    return this.#lastId
  }

  /** Puts the client back to where it began: no watches, no transactions (rule 53). */
  reset(): void {
    this.watches = []
    this.transactions.clear()
  }

  deliver({ token, relative }: ModelWatch, path: string): void {
    const prefix = relative ? `/local/domain/${this.life.domid}/`.length : 0
    const event = `${path.slice(prefix)} ${token}`
    // What one request makes happen is not delivered in between, so what is identical may be one (rule 46).
    if (event.startsWith('@') || !this.events.includes(event)) this.events.push(event)
  }
}
