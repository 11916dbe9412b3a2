import {
  type ByteChannel,
  encodeWatchEvent,
  type Message,
  MessageWriter,
  PAYLOAD_MAX_BYTES,
  SOCKMSG_BYTES,
  XenStoreOp,
} from '@split-driver/xenbus'
import type { XenstoreLimits } from '../quotas/limits.js'
import type { Watch } from '../watches/watches.js'

const tokenText = new TextDecoder('latin1')

/**
 * What one client is to be sent: replies and watch events, in order. It is bounded (S4): a client that leaves too many
 * replies is asked nothing more (`blocked`), and what it leaves of events ends as one event for each of its watches.
 */
export class Outbox {
  readonly #writer: MessageWriter
  readonly #limits: XenstoreLimits
  /** What nothing has gone out of yet: replies under a number, events under their content, so that equal ones are found. */
  readonly #waiting = new Map<number | string, Message>()
  #sequence = 0
  #replies = 0
  #eventBytes = 0

  constructor(channel: ByteChannel, limits: XenstoreLimits) {
    this.#writer = new MessageWriter(channel)
    this.#limits = limits
  }

  /** The client has so many replies to take that it must not ask for more. */
  get blocked(): boolean {
    return this.#replies >= this.#limits.outstandingReplies
  }

  /** @param message its body is at most 4096 bytes long */
  reply(message: Message): void {
    this.#waiting.set(this.#nextNumber(), message)
    this.#replies += 1
  }

  /** One that is equal to one that waits already is not sent twice, unless it is of `@…`, which counts (rule 46). */
  event(watch: Watch, path: string): void {
    const shown = watch.shown(path)
    const bytes = SOCKMSG_BYTES + shown.length + watch.token.length + 2
    const tooLong = bytes > SOCKMSG_BYTES + PAYLOAD_MAX_BYTES
    if (tooLong || this.#eventBytes + bytes > this.#limits.undeliveredEventBytes) this.#summary(watch)
    else if (shown.startsWith('@')) this.#queueEvent(this.#nextNumber(), watch, shown)
    else this.#queueEvent(keyOf(watch, shown), watch, shown)
  }

  /** Sends what there is room for. */
  pump(): void {
    for (const [key, message] of this.#waiting) {
      if (!this.#writer.flush()) return
      this.#waiting.delete(key)
      if (message.type === XenStoreOp.WatchEvent) this.#eventBytes -= SOCKMSG_BYTES + message.body.length
      else this.#replies -= 1
      this.#writer.push(message)
    }
    this.#writer.flush()
  }

  clear(): void {
    this.#waiting.clear()
    this.#writer.clear()
    this.#replies = 0
    this.#eventBytes = 0
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
    this.#eventBytes += SOCKMSG_BYTES + body.length
  }

  #nextNumber(): number {
    this.#sequence += 1
    return this.#sequence
  }
}

const keyOf = ({ token }: Watch, shown: string): string => `${shown}\0${tokenText.decode(token)}`
