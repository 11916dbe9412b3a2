import type { WireError } from '@split-driver/xenbus'
import type { Client } from '../client/client.js'
import type { StoreHost } from '../store-host.js'
import type { Work } from '../tree/node-operations.js'

/** One request that is being answered. */
export interface Exchange {
  readonly client: Client
  readonly host: StoreHost
  /** On the store, or on the transaction that the request names. */
  readonly work: Work
  readonly reqId: number
  /** 0 outside of a transaction. */
  readonly txId: number
  readonly body: Uint8Array
  /** Sends the reply; a body beyond 4096 bytes becomes E2BIG (rule 50). */
  respond(body: Uint8Array): void
}

/** Answers by `respond`, or returns the error to answer with. */
export type Handler = (exchange: Exchange) => WireError | undefined
