import {
  type ByteChannel,
  concatBytes,
  decodeWatchEvent,
  encodeMessage,
  PAYLOAD_MAX_BYTES,
  SOCKMSG_BYTES,
  XenStoreOp,
} from '@split-driver/xenbus'
import type { ObservedClient } from '../server-observer.js'
import { decodeMessages } from '../state/decode-messages.js'
import type { StoreHost } from '../store-host.js'
import type { Watch, Watcher } from '../watches/watches.js'
import { bytesOf, messageOf, type Outgoing } from './outgoing.js'
import { WaitingMessages } from './waiting-messages.js'

const NOTHING = new Uint8Array()

type OutboxHost = Pick<StoreHost, 'limits' | 'observers' | 'sendBuffer'>

/**
 * What one client is to be sent: replies and watch events, in order. It is bounded (S4): a client that leaves too many
 * replies is asked nothing more (`blocked`), and what it leaves of events ends as one event for each of its watches.
 */
export class Outbox {
  readonly #channel: ByteChannel
  readonly #client: Watcher & ObservedClient
  readonly #host: OutboxHost
  /** What nothing has gone out of yet. */
  readonly #waiting = new WaitingMessages()
  /** What is left of a message that has gone out in part. */
  #rest: Uint8Array = NOTHING
  /** How many messages to offer the channel at once: not many more than it takes, for they are put together in vain. */
  #offer = MANY
  #replies = 0
  #eventBytes = 0
  #bytes = 0

  constructor(channel: ByteChannel, client: Watcher & ObservedClient, host: OutboxHost) {
    this.#channel = channel
    this.#client = client
    this.#host = host
  }

  /** How many replies wait. */
  get replies(): number {
    return this.#replies
  }

  /** What waits, replies and events, in bytes. */
  get bytes(): number {
    return this.#bytes
  }

  /**
   * The client has so much to take that it must not ask for more: replies, or anything while its domain has no memory left.
   * One that has taken everything may always ask, be it only to remove what takes the memory.
   */
  get blocked(): boolean {
    const { privileged, domain } = this.#client.caller
    if (privileged) return this.#replies >= this.#host.limits.outstandingReplies
    const { outstanding, memory } = domain.account.quotas
    if (outstanding > 0 && this.#replies >= outstanding) return true
    return memory > 0 && domain.account.used.memory >= memory && this.#waiting.size > 0
  }

  /** @param body at most 4096 bytes; nobody changes it any more */
  reply(type: number, reqId: number, txId: number, body: Uint8Array): void {
    const message: Outgoing = { type, reqId, txId, body, path: undefined }
    this.#waiting.push(message)
    this.#count(1, 0, bytesOf(message))
  }

  /** One that is equal to one that waits already is not sent twice, unless it is of `@…`, which counts (rule 46). */
  event(watch: Watch, path: string): void {
    const shown = watch.shown(path)
    const bytes = SOCKMSG_BYTES + shown.length + watch.token.length + 2
    // One event at the watch's own path stands for all that find no room: somewhere below it something changed.
    if (!this.#hasRoomFor(bytes)) this.#queueEvent(watch, watch.shown(watch.path))
    else this.#queueEvent(watch, shown)
  }

  /** Sends what there is room for. */
  pump(): void {
    if (!this.#sendRest()) return
    while (this.#waiting.size > 0) if (!this.#sendBatch()) return
  }

  clear(): void {
    this.#waiting.clear()
    this.#rest = NOTHING
    this.#count(-this.#replies, -this.#eventBytes, -this.#bytes)
  }

  /** What has not gone out, in order: the rest of a message that has in part, and whole messages. */
  unsent(): { readonly partial: Uint8Array; readonly whole: Uint8Array } {
    const whole: Uint8Array[] = []
    for (let i = 0; i < this.#waiting.size; i++) whole.push(encodeMessage(messageOf(this.#waiting.at(i)!)))
    return { partial: this.#rest.slice(), whole: concatBytes(...whole) }
  }

  /** What another outbox of this client had not sent. @throws XenError EPROTO if that is no messages */
  restore(partial: Uint8Array, whole: Uint8Array): void {
    this.#rest = partial
    for (const { type, reqId, txId, body } of decodeMessages(whole)) {
      const event = type === XenStoreOp.WatchEvent ? decodeWatchEvent(body) : undefined
      if (event === undefined) this.reply(type, reqId, txId, body)
      else this.#queueEvent(event, event.path)
    }
  }

  #hasRoomFor(eventBytes: number): boolean {
    if (eventBytes > SOCKMSG_BYTES + PAYLOAD_MAX_BYTES) return false
    if (this.#eventBytes + eventBytes > this.#host.limits.undeliveredEventBytes) return false
    const { privileged, domain } = this.#client.caller
    return privileged || domain.account.hasMemory(eventBytes)
  }

  /** What waits for the client is its domain's memory (rule 52). */
  #count(replies: number, eventBytes: number, bytes: number): void {
    const { account } = this.#client.caller.domain
    this.#bytes += bytes
    this.#replies += replies
    this.#eventBytes += eventBytes
    if (replies !== 0) account.add('outstanding', replies)
    if (bytes !== 0) account.add('memory', bytes)
  }

  #queueEvent({ token }: Pick<Watch, 'token'>, path: string): void {
    const event: Outgoing = { type: XenStoreOp.WatchEvent, reqId: 0, txId: 0, body: token, path }
    if (path.startsWith('@')) this.#waiting.push(event)
    else if (!this.#waiting.pushUnlessThere(path, event)) return
    const bytes = bytesOf(event)
    this.#count(0, bytes, bytes)
  }

  /** @returns whether there is room for more */
  #sendRest(): boolean {
    if (this.#rest.length === 0) return true
    const sent = this.#channel.send(this.#rest)
    this.#rest = this.#rest.subarray(sent)
    return this.#rest.length === 0
  }

  /** @returns whether there is room for more */
  #sendBatch(): boolean {
    const { sendBuffer } = this.#host
    sendBuffer.clear()
    for (let count = 0; count < this.#offer; count++) {
      const message = this.#waiting.at(count)
      if (message === undefined || !sendBuffer.put(message)) break
    }
    const sent = sendBuffer.sendTo(this.#channel)
    let [gone, count] = [0, 0]
    for (; gone < sent; count++) gone += this.#leave()
    if (gone > sent) this.#rest = sendBuffer.copy(sent, gone)
    const all = sent === sendBuffer.length
    this.#offer = all ? Math.min(2 * this.#offer, MANY) : Math.max(count, 1)
    return all
  }

  /** Something of the first that waits has gone out. @returns its bytes */
  #leave(): number {
    const message = this.#waiting.at(0)!
    const bytes = bytesOf(message)
    this.#waiting.shift()
    if (message.path === undefined) this.#count(-1, 0, -bytes)
    else this.#count(0, -bytes, -bytes)
    const observer = this.#host.observers.current
    if (observer?.sent !== undefined) observer.sent(this.#client, messageOf(message))
    return bytes
  }
}

/** More than a buffer of small messages holds. */
const MANY = 1024
