import type { Domid } from '@split-driver/abi'
import {
  absolutePath,
  type ByteChannel,
  encodeError,
  type Message,
  MessageReader,
  PAYLOAD_MAX_BYTES,
  SOCKMSG_BYTES,
  type WireError,
  XenStoreOp,
} from '@split-driver/xenbus'
import type { Caller } from '../domains/domain-record.js'
import type { Exchange } from '../requests/exchange.js'
import { CHANGING, HANDLERS, OUTSIDE_TRANSACTIONS, PRIVILEGED } from '../requests/request-table.js'
import type { ObservedClient } from '../server-observer.js'
import type { StoreHost } from '../store-host.js'
import { ClientTransactions } from '../transactions/client-transactions.js'
import { ClientWatches } from '../watches/client-watches.js'
import type { Watch, Watcher } from '../watches/watches.js'
import { Outbox } from './outbox.js'
import type { TurnTaker } from './turn-queue.js'

/** Requests that a client may have answered before others have their turn. */
const REQUESTS_PER_TURN = 8

/** Events that its requests may make for anybody before that: each costs as much as a small request. */
const EVENTS_PER_TURN = 32

/** Replies up to this are sent whatever memory a domain takes. @see xen/tools/xenstored/core.h DEFAULT_BUFFER_SIZE */
const SHORT_REPLY_BYTES = 16

/** Why a client is one no longer. */
export type EndReason =
  /** Its channel was closed, from either side. */
  | 'closed'
  /** It announced a body beyond 4096 bytes, so that where its next request begins is unknown (rule 38). */
  | 'broken'

export interface ClientOptions {
  readonly caller: Caller
  readonly channel: ByteChannel
  /** Its connection outlives this server: what it registers is written down. */
  readonly isKept?: boolean
  readonly host: StoreHost
  /** There is something to send: a turn is wanted. */
  readonly wake: () => void
  /** The client ended by itself; it has let go of all it had. */
  readonly onEnd: (reason: EndReason) => void
}

/** What is under way between a client and us. */
export interface SavedConversation {
  readonly input: Uint8Array
  /** The rest of a message of which some has been sent. */
  readonly partial: Uint8Array
  /** Messages of which nothing has been sent. */
  readonly whole: Uint8Array
}

/** One client: reads its requests, answers them, tells it of what it watches. */
export class Client implements Watcher, TurnTaker, ObservedClient {
  readonly id: number
  readonly caller: Caller
  readonly watches: ClientWatches
  readonly transactions: ClientTransactions
  readonly #options: ClientOptions
  readonly #reader: MessageReader
  readonly #outbox: Outbox
  #ended = false
  #answering = false

  constructor(options: ClientOptions) {
    const { caller, channel, host } = options
    this.id = host.clients.nextId()
    this.caller = caller
    this.watches = new ClientWatches(this, host)
    this.transactions = new ClientTransactions(this, host)
    this.#options = options
    this.#reader = new MessageReader(channel)
    this.#outbox = new Outbox(channel, this, host)
    host.clients.add(this)
    host.observers.current?.created?.('connection', this)
  }

  /** What it registers outlives this server. */
  get isKept(): boolean {
    return this.#options.isKept ?? false
  }

  get domid(): Domid {
    return this.caller.domain.domid
  }

  /**
   * A valid path as seen from the root.
   * @returns `undefined` if it is longer than an unprivileged domain's paths may be
   */
  absolute(path: string): string | undefined {
    const absolute = absolutePath(path, this.domid)
    // A domain's number may have more digits after its migration.
    const length = absolute.length - (/^\/local\/domain\/\d{1,5}\//.exec(absolute)?.[0].length ?? 0)
    return this.caller.privileged || this.caller.domain.account.allows('path-max', length) ? absolute : undefined
  }

  get pendingReplies(): number {
    return this.#outbox.replies
  }

  /** Bytes that wait for the client to take them. */
  get pendingBytes(): number {
    return this.#outbox.bytes
  }

  deliver(watch: Watch, path: string): void {
    this.#outbox.event(watch, path)
    this.#options.wake()
  }

  /** There may be something to do. */
  wake(): void {
    this.#options.wake()
  }

  turn(): boolean {
    if (this.caller.domain.held && !this.caller.privileged) {
      this.#outbox.pump()
      return false
    }
    const { watches } = this.#options.host
    const enough = watches.delivered + EVENTS_PER_TURN
    for (let answered = 0; answered < REQUESTS_PER_TURN && watches.delivered < enough; answered++) {
      if (this.#mustWait()) return false
      const message = this.#ended ? undefined : this.#reader.nextInPlace()
      if (message === undefined) return this.#pause()
      this.#answer(message)
    }
    this.#outbox.pump()
    return true
  }

  /**
   * What has come from the client and is not answered, and what it has not been sent.
   * @param take bytes that the channel has, which ends with this process; a ring keeps its own
   */
  save(take: Uint8Array): SavedConversation {
    this.#reader.continueWith(take)
    return { input: this.#reader.unfinished(), ...this.#outbox.unsent() }
  }

  /** Goes on where another left off. */
  restore({ input, partial, whole }: SavedConversation): void {
    this.#reader.continueWith(input)
    this.#outbox.restore(partial, whole)
    this.#options.wake()
  }

  /** Lets go of all that this client has. Idempotent. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.watches.clear()
    this.transactions.clear()
    this.#outbox.clear()
    const { clients, observers } = this.#options.host
    clients.delete(this)
    observers.current?.destroyed?.('connection', this)
  }

  /** Whoever does not take replies is not read from. Of one that is gone, what it had asked before is still done. */
  #mustWait(): boolean {
    if (!this.#outbox.blocked) return false
    this.#outbox.pump()
    if (this.#outbox.blocked && this.#options.channel.closed) this.#outbox.clear()
    return this.#outbox.blocked
  }

  /** There is no request now. */
  #pause(): false {
    if (this.#ended) return false
    this.#outbox.pump()
    if (this.#reader.broken) this.#endBecause('broken')
    else if (this.#options.channel.closed) this.#endBecause('closed')
    return false
  }

  #endBecause(reason: EndReason): void {
    this.end()
    this.#options.onEnd(reason)
  }

  #answer(message: Message): void {
    const observer = this.#options.host.observers.current
    if (observer?.received !== undefined) observer.received(this, { ...message, body: message.body.slice() })
    this.#answering = true
    const error = this.#handle(message)
    if (error !== undefined) this.#reply(message, XenStoreOp.Error, encodeError(error))
    this.#answering = false
  }

  #handle(message: Message): WireError | undefined {
    const { type, txId, body } = message
    if (PRIVILEGED.has(type) && !this.caller.privileged) return 'EACCES'
    const handler = HANDLERS.get(type)
    if (handler === undefined) return 'ENOSYS'
    const { host } = this.#options
    host.store.actor = this.caller.domain
    const refusal = txId === 0 && CHANGING.has(type) ? host.journal?.refusal : undefined
    if (refusal !== undefined) return refusal
    const transaction = OUTSIDE_TRANSACTIONS.has(type) ? undefined : this.transactions.get(txId)
    if (transaction === undefined && txId !== 0 && !OUTSIDE_TRANSACTIONS.has(type)) return 'ENOENT'
    const work = { workspace: transaction ?? host.store, caller: this.caller }
    const respond = (reply: Uint8Array): void => this.#respond(message, reply)
    const exchange: Exchange = { client: this, host, work, reqId: message.reqId, txId, body, respond }
    return handler(exchange)
  }

  #respond(message: Message, body: Uint8Array): void {
    const error = this.#unsendable(body.length)
    if (error === undefined) this.#reply(message, message.type, body)
    else this.#reply(message, XenStoreOp.Error, encodeError(error))
  }

  /** A short reply takes no room to speak of, and says what is the matter. @see xen/tools/xenstored/core.c send_reply */
  #unsendable(bytes: number): WireError | undefined {
    if (bytes > PAYLOAD_MAX_BYTES) return 'E2BIG'
    const { privileged, domain } = this.caller
    return privileged || bytes <= SHORT_REPLY_BYTES || domain.account.hasMemory(SOCKMSG_BYTES + bytes)
      ? undefined
      : 'ENOMEM'
  }

  /** A command that answers later does so outside of any turn. */
  #reply({ reqId, txId }: Message, type: number, body: Uint8Array): void {
    if (this.#ended) return
    this.#outbox.reply(type, reqId, txId, body)
    if (!this.#answering) this.#options.wake()
  }
}
