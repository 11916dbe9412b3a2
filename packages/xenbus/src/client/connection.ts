import { XenError } from '@split-driver/abi'
import type { EventClock } from '@split-driver/evtchn'
import type { ByteChannel } from '../byte-channel.js'
import { decodeWatchEvent, type WatchEventBody } from '../wire/body.js'
import { type Message, SOCKMSG_BYTES } from '../wire/message.js'
import { MessageReader } from '../wire/message-reader.js'
import { MessageWriter } from '../wire/message-writer.js'
import { XenStoreOp } from '../wire/operation.js'
import { decodeError } from '../wire/wire-error.js'
import { describe, type PendingRequest } from './request.js'

/** A request that its connection's end left without a reply. */
export interface LostRequest {
  readonly request: PendingRequest
  /** Part of it has gone out: it may have been carried out. */
  readonly sent: boolean
}

export interface ConnectionOptions {
  /** Which of the successive connections this is. */
  readonly era: number
  /** Number of the first request, u32. */
  readonly firstReqId: number
  /** Lets others have their turn between two turns of a flood. */
  readonly clock: Pick<EventClock, 'setTimer'> | undefined
  readonly onEvent: (event: WatchEventBody) => void
  /** It ended; told once. In the order in which they were asked. */
  readonly onEnd: (lost: readonly LostRequest[]) => void
}

/** Messages that one wake-up handles before others have their turn: a peer cannot keep us in the loop. */
const MESSAGES_A_TURN = 64

/**
 * Requests and replies over one channel, as many under way as there are callers. A reply finds its request by req_id;
 * one that nobody waits for is ignored (S9).
 */
export class Connection {
  readonly #channel: ByteChannel
  readonly #options: ConnectionOptions
  readonly #reader: MessageReader
  readonly #writer: MessageWriter
  /** Not one byte of these has gone out; whoever is given up while it waits here was never asked. */
  readonly #unsent = new Set<PendingRequest>()
  readonly #pending = new Map<number, PendingRequest>()
  /** What the writer holds, alone, if it holds anything. */
  #going: PendingRequest | undefined
  #goingBytes = 0
  #nextReqId: number
  #answered = false
  #closed = false

  constructor(channel: ByteChannel, options: ConnectionOptions) {
    this.#channel = channel
    this.#options = options
    this.#nextReqId = options.firstReqId
    this.#reader = new MessageReader(channel)
    this.#writer = new MessageWriter(channel)
    channel.onReady(() => this.#turn())
  }

  /** Requests that have no reply yet. */
  get outstanding(): number {
    return this.#pending.size + this.#unsent.size
  }

  /** Some message has come: there is a server at the other end. */
  get answered(): boolean {
    return this.#answered
  }

  /** Where a connection that follows goes on, so that it cannot mistake a late reply for its own. */
  get nextReqId(): number {
    return this.#nextReqId
  }

  get serverFeatures(): number | undefined {
    return this.#channel.serverFeatures
  }

  /** Its body is at most 4096 bytes. */
  submit(request: PendingRequest): void {
    this.#unsent.add(request)
    this.#pump()
  }

  /** Nobody waits for it any more. @returns whether part of it has gone out */
  withdraw(request: PendingRequest): boolean {
    if (this.#unsent.delete(request)) return false
    const untouched = this.#isUntouched(request)
    if (untouched || request.call.onLate === undefined) this.#pending.delete(request.reqId)
    if (!untouched) return true
    this.#writer.clear()
    this.#pump()
    return false
  }

  /** Idempotent. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    const lost = [
      ...Array.from(this.#pending.values(), (request) => ({ request, sent: !this.#isUntouched(request) })),
      ...Array.from(this.#unsent, (request) => ({ request, sent: false })),
    ]
    this.#channel.close()
    this.#writer.clear()
    this.#pending.clear()
    this.#unsent.clear()
    this.#options.onEnd(lost)
  }

  #isUntouched(request: PendingRequest): boolean {
    return request === this.#going && this.#writer.pendingBytes === this.#goingBytes
  }

  /** Gives the writer one request at a time: what it has not got can be taken back. */
  #pump(): void {
    while (!this.#closed && this.#writer.flush()) {
      this.#going = undefined
      const [request] = this.#unsent
      if (request === undefined) return
      this.#unsent.delete(request)
      const { type, txId = 0, body } = request.call
      request.reqId = this.#takeReqId()
      this.#pending.set(request.reqId, request)
      this.#going = request
      this.#goingBytes = SOCKMSG_BYTES + body.length
      this.#writer.push({ type, reqId: request.reqId, txId, body })
    }
  }

  /** Never 0, which marks watch events (rule 45), and never one that still waits. */
  #takeReqId(): number {
    let reqId = this.#nextReqId
    while (reqId === 0 || this.#pending.has(reqId)) reqId = (reqId + 1) >>> 0
    this.#nextReqId = (reqId + 1) >>> 0
    return reqId
  }

  #turn(): void {
    if (this.#closed) return
    this.#pump()
    for (let count = 0; count < MESSAGES_A_TURN && !this.#closed; count++) {
      const message = this.#reader.next()
      if (message === undefined) {
        if (this.#reader.broken || this.#channel.closed) this.close()
        return
      }
      this.#answered = true
      this.#accept(message)
    }
    const { clock } = this.#options
    if (clock === undefined) queueMicrotask(() => this.#turn())
    else clock.setTimer(0, () => this.#turn())
  }

  #accept(message: Message): void {
    if (message.type === XenStoreOp.WatchEvent) {
      const event = decodeWatchEvent(message.body)
      if (event) this.#options.onEvent(event)
      return
    }
    const request = this.#pending.get(message.reqId)
    if (request === undefined) return
    this.#pending.delete(message.reqId)
    const { call } = request
    const { type, subject } = call
    if (message.type !== type) {
      const code = message.type === XenStoreOp.Error ? decodeError(message.body) : 'EPROTO'
      request.reject(new XenError(code, describe(subject), { detail: { ...subject } }))
    } else if (request.cancelled) call.onLate?.(message.body, this.#options.era)
    else {
      call.onReply?.(this.#options.era)
      request.resolve(message.body)
    }
  }
}
