import type { WireError } from '@split-driver/xenbus'
import type { Client } from '../client/client.js'
import type { StoreHost } from '../store-host.js'

/** One CONTROL request that is being answered. */
export interface ControlExchange {
  readonly host: StoreHost
  /** Who asks, and by which request. */
  readonly client: Client
  readonly reqId: number
  readonly txId: number
  /** What followed the command's name. */
  readonly parameters: readonly string[]
  /** The same as bytes, whatever they are. */
  readonly rest: Uint8Array
  /** Sends the reply, now or later. A text beyond 4095 bytes becomes E2BIG. */
  respond(text: string): void
}

/** What a privileged client may tell the server to do. @see docs/misc/xenstore.txt CONTROL */
export interface ControlCommand {
  readonly name: string
  /** Shown after the name by `help`. */
  readonly usage: string
  /** Answers by `respond`, or returns the error to answer with. */
  run(exchange: ControlExchange): WireError | undefined
}
