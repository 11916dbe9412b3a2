import {
  type ByteChannel,
  encodeWatchEvent,
  type Message,
  MessageWriter,
  PAYLOAD_MAX_BYTES,
  SOCKMSG_BYTES,
  XenStoreOp,
} from '@split-driver/xenbus'
import type { ObservedClient } from '../server-observer.js'
import type { StoreHost } from '../store-host.js'
import type { Watch, Watcher } from '../watches/watches.js'

const tokenText = new TextDecoder('latin1')

/**
 * What one client is to be sent: replies and watch events, in order. It is bounded (S4): a client that leaves too many
 * replies is asked nothing more (`blocked`), and what it leaves of events ends as one event for each of its watches.
 */
export class Outbox {
  readonly #writer: MessageWriter
  readonly #client: Watcher & ObservedClient
  readonly #host: Pick<StoreHost, 'limits' | 'observers'>
  /** What nothing has gone out of yet: replies under a number, events under their content, so that equal ones are found. */
  readonly #waiting = new Map<number | string, Message>()
  #sequence = 0
  #replies = 0
  #eventBytes = 0
  #bytes = 0

  constructor(channel: ByteChannel, client: Watcher & ObservedClient, host: Pick<StoreHost, 'limits' | 'observers'>) {
    this.#writer = new MessageWriter(channel)
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

  /** @param message its body is at most 4096 bytes long */
  reply(message: Message): void {
    this.#waiting.set(this.#nextNumber(), message)
    this.#count(1, 0, SOCKMSG_BYTES + message.body.length)
  }

  /** One that is equal to one that waits already is not sent twice, unless it is of `@…`, which counts (rule 46). */
  event(watch: Watch, path: string): void {
    const shown = watch.shown(path)
    const bytes = SOCKMSG_BYTES + shown.length + watch.token.length + 2
    if (!this.#hasRoomFor(bytes)) this.#summary(watch)
    else if (shown.startsWith('@')) this.#queueEvent(this.#nextNumber(), watch, shown)
    else this.#queueEvent(keyOf(watch, shown), watch, shown)
  }

  /** Sends what there is room for. */
  pump(): void {
    for (const [key, message] of this.#waiting) {
      if (!this.#writer.flush()) return
      this.#waiting.delete(key)
      const bytes = SOCKMSG_BYTES + message.body.length
      if (message.type === XenStoreOp.WatchEvent) this.#count(0, -bytes, -bytes)
      else this.#count(-1, 0, -bytes)
      this.#host.observers.current?.sent?.(this.#client, message)
      this.#writer.push(message)
    }
    this.#writer.flush()
  }

  clear(): void {
    this.#waiting.clear()
    this.#writer.clear()
    this.#count(-this.#replies, -this.#eventBytes, -this.#bytes)
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

  /** One event at the watch's own path stands for all that find no room: somewhere below it something changed. */
  #summary(watch: Watch): void {
    const shown = watch.shown(watch.path)
    this.#queueEvent(keyOf(watch, shown), watch, shown)
  }

  #queueEvent(key: number | string, { token }: Watch, path: string): void {
    if (this.#waiting.has(key)) return
    const body = encodeWatchEvent({ path, token })
    this.#waiting.set(key, { type: XenStoreOp.WatchEvent, reqId: 0, txId: 0, body })
    const bytes = SOCKMSG_BYTES + body.length
    this.#count(0, bytes, bytes)
  }

  #nextNumber(): number {
    this.#sequence += 1
    return this.#sequence
  }
}

const keyOf = ({ token }: Watch, shown: string): string => `${shown}\0${tokenText.decode(token)}`
