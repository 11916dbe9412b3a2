import { XenError } from '@split-driver/abi'
import type { ByteChannel } from '../byte-channel.js'
import { decodeWatchEvent, type WatchEventBody } from '../wire/body.js'
import { type Message, PAYLOAD_MAX_BYTES } from '../wire/message.js'
import { MessageReader } from '../wire/message-reader.js'
import { MessageWriter } from '../wire/message-writer.js'
import { XenStoreOp } from '../wire/operation.js'
import { decodeError } from '../wire/wire-error.js'

/** What a request is about, for its error. */
export interface Subject {
  /** As the interface names it: `read`, `watch`. */
  readonly operation: string
  readonly path?: string
}

interface Pending {
  readonly type: XenStoreOp
  readonly subject: Subject
  resolve(body: Uint8Array): void
  reject(error: XenError): void
}

/** Messages that one wake-up handles before others have their turn: a peer cannot keep us in the loop. */
const MESSAGES_A_TURN = 64

const describe = ({ operation, path }: Subject): string => (path === undefined ? operation : `${operation} ${path}`)

/**
 * Requests and replies over one channel, as many under way as there are callers. A reply finds its request by req_id;
 * one that nobody waits for is ignored (S9).
 */
export class Connection {
  readonly #channel: ByteChannel
  readonly #reader: MessageReader
  readonly #writer: MessageWriter
  readonly #pending = new Map<number, Pending>()
  readonly #onEvent: (event: WatchEventBody) => void
  readonly #onClosed: () => void
  #nextReqId: number
  #closed = false

  constructor(
    channel: ByteChannel,
    firstReqId: number,
    onEvent: (event: WatchEventBody) => void,
    onClosed: () => void,
  ) {
    this.#channel = channel
    this.#nextReqId = firstReqId
    this.#reader = new MessageReader(channel)
    this.#writer = new MessageWriter(channel)
    this.#onEvent = onEvent
    this.#onClosed = onClosed
    channel.onReady(() => this.#turn())
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Requests that have no reply yet. */
  get outstanding(): number {
    return this.#pending.size
  }

  /**
   * Sends a request. @returns the reply's body
   * @throws XenError what the server answered; CLOSED the connection ended before it did; E2BIG the body is beyond 4096
   * bytes; EPROTO the reply is of another type
   */
  request(type: XenStoreOp, txId: number, body: Uint8Array, subject: Subject): Promise<Uint8Array> {
    if (this.#closed) return Promise.reject(this.#closedError(subject))
    if (body.length > PAYLOAD_MAX_BYTES) {
      const detail = { ...subject, bytes: body.length }
      return Promise.reject(new XenError('E2BIG', `${describe(subject)}: ${body.length} bytes`, { detail }))
    }
    const reqId = this.#takeReqId()
    const reply = new Promise<Uint8Array>((resolve, reject) => {
      this.#pending.set(reqId, { type, subject, resolve, reject })
    })
    this.#writer.push({ type, reqId, txId, body })
    this.#writer.flush()
    return reply
  }

  /** Idempotent. Every request that waits is rejected with CLOSED. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#channel.close()
    this.#writer.clear()
    const waiting = [...this.#pending.values()]
    this.#pending.clear()
    for (const { reject, subject } of waiting) reject(this.#closedError(subject))
    this.#onClosed()
  }

  #closedError(subject: Subject): XenError {
    return new XenError('CLOSED', `${describe(subject)}: the connection to XenStore has ended`, {
      detail: { ...subject },
    })
  }

  /** Never 0, which marks an event (rule 45), and never one that is still under way after the number has wrapped. */
  #takeReqId(): number {
    while (this.#nextReqId === 0 || this.#pending.has(this.#nextReqId)) this.#nextReqId = (this.#nextReqId + 1) >>> 0
    const reqId = this.#nextReqId
    this.#nextReqId = (reqId + 1) >>> 0
    return reqId
  }

  #turn(): void {
    if (this.#closed) return
    this.#writer.flush()
    for (let count = 0; count < MESSAGES_A_TURN; count++) {
      const message = this.#reader.next()
      if (message === undefined) {
        if (this.#reader.broken || this.#channel.closed) this.close()
        return
      }
      this.#accept(message)
    }
    queueMicrotask(() => this.#turn())
  }

  #accept(message: Message): void {
    if (message.type === XenStoreOp.WatchEvent) {
      const event = decodeWatchEvent(message.body)
      if (event) this.#onEvent(event)
      return
    }
    const pending = this.#pending.get(message.reqId)
    if (pending === undefined) return
    this.#pending.delete(message.reqId)
    const { type, subject } = pending
    const code = message.type === XenStoreOp.Error ? decodeError(message.body) : 'EPROTO'
    if (message.type === type) pending.resolve(message.body)
    else pending.reject(new XenError(code, describe(subject), { detail: { ...subject } }))
  }
}
