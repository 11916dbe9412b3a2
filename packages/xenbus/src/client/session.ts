import { XenError } from '@split-driver/abi'
import type { ByteChannel } from '../byte-channel.js'
import type { WatchEventBody } from '../wire/body.js'
import { PAYLOAD_MAX_BYTES } from '../wire/message.js'
import { XenStoreOp } from '../wire/operation.js'
import { AbortListeners } from './abort-listeners.js'
import { BackOff, type BackOffSpan, type Pacing } from './back-off.js'
import { Connection, type LostRequest } from './connection.js'
import { type Call, describe, PendingRequest, type Subject } from './request.js'

/**
 * Opens a connection in place of one that has ended. @param signal the client was closed: it is wanted no longer
 * @throws XenError CLOSED if there will never be another one; after anything else it is tried again
 */
export type Connect = (signal: AbortSignal) => Promise<ByteChannel>

export interface SessionOptions extends Pacing {
  readonly firstReqId: number
  /** Absent: the session ends with its first connection. Needs a clock. */
  readonly reconnect?: { readonly connect: Connect; readonly span: BackOffSpan } | undefined
  readonly onEvent: (event: WatchEventBody) => void
  /** A connection ended, and another one is sought. */
  readonly onLost: () => void
  /** There is another connection; what is asked now goes out before all that waited for it. */
  readonly onRenewed: () => void
  /** What waited for it has been asked. */
  readonly onReady: () => void
  /** There will be no more connections. */
  readonly onEnd: () => void
}

/** What may be asked twice: it changes nothing, or nothing that outlives the connection. */
export const REPEATABLE: ReadonlySet<XenStoreOp> = new Set([
  XenStoreOp.Read,
  XenStoreOp.Directory,
  XenStoreOp.DirectoryPart,
  XenStoreOp.GetPerms,
  XenStoreOp.GetDomainPath,
  XenStoreOp.IsDomainIntroduced,
  XenStoreOp.GetFeature,
  XenStoreOp.GetQuota,
  XenStoreOp.Watch,
  XenStoreOp.TransactionStart,
])

const closedError = (subject: Subject): XenError =>
  new XenError('CLOSED', `${describe(subject)}: the connection has ended`, { detail: { ...subject } })

/**
 * One connection after the other. What certainly never reached a server waits for the next connection, as does what may be
 * asked twice; all else that had no reply when its connection ended is rejected.
 */
export class Session {
  /** Signals of all that is asked here. */
  readonly listeners = new AbortListeners()
  readonly #options: SessionOptions
  readonly #waiting = new Set<PendingRequest>()
  readonly #ending = new AbortController()
  readonly #backOff: BackOff | undefined
  #connection: Connection | undefined
  #era = 0
  #nextReqId: number
  /** Connections that followed each other without one answer. */
  #fruitless = -1

  /** @throws TypeError if it is to reconnect without a clock */
  constructor(channel: ByteChannel, options: SessionOptions) {
    const { reconnect, clock, firstReqId } = options
    if (reconnect && !clock) throw new TypeError('a client that reconnects needs a clock to wait by')
    this.#options = options
    this.#nextReqId = firstReqId
    this.#backOff = reconnect && new BackOff(reconnect.span, options, this.listeners)
    this.#connect(channel)
  }

  /** There will be no more connections. */
  get closed(): boolean {
    return this.#ending.signal.aborted
  }

  /** Number of the connection; while there is none, of the next one. */
  get era(): number {
    return this.#era
  }

  get connected(): boolean {
    return this.#connection !== undefined
  }

  /** Requests that have no reply yet. */
  get outstanding(): number {
    return this.#waiting.size + (this.#connection?.outstanding ?? 0)
  }

  /** What the server says it can do, as bits; `undefined` where the transport does not tell. */
  get serverFeatures(): number | undefined {
    return this.#connection?.serverFeatures
  }

  /**
   * @returns the reply's body
   * @throws XenError what the server answered; CLOSED the connection ended before it did; EAGAIN the transaction ended with
   * its connection, and there may be another one; E2BIG the body is beyond 4096 bytes; EPROTO the reply is of another type.
   * The reason of a signal that gave it up
   */
  request(call: Call): Promise<Uint8Array> {
    const { signals, body, subject, era } = call
    for (const signal of signals ?? []) if (signal?.aborted) return Promise.reject(signal.reason)
    if (this.closed) return Promise.reject(closedError(subject))
    if (body.length > PAYLOAD_MAX_BYTES) {
      const detail = { ...subject, bytes: body.length }
      return Promise.reject(new XenError('E2BIG', `${describe(subject)}: ${body.length} bytes`, { detail }))
    }
    if (era !== undefined && era !== this.#era) return Promise.reject(this.#lossOf(call, false))
    const request = new PendingRequest(call, this.listeners, (cancelled) => this.#cancel(cancelled))
    if (this.#connection) this.#connection.submit(request)
    else this.#waiting.add(request)
    return request.reply
  }

  /** Idempotent. Everything that waits is rejected with CLOSED. */
  close(): void {
    if (this.closed) return
    this.#ending.abort()
    this.#connection?.close()
    this.#connection = undefined
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const request of waiting) request.reject(closedError(request.call.subject))
    this.#options.onEnd()
  }

  #cancel(request: PendingRequest): void {
    const sent = !this.#waiting.delete(request) && (this.#connection?.withdraw(request) ?? false)
    request.call.onCancel?.(sent)
  }

  #connect(channel: ByteChannel): void {
    const connection = new Connection(channel, {
      era: this.#era,
      firstReqId: this.#nextReqId,
      clock: this.#options.clock,
      onEvent: this.#options.onEvent,
      onEnd: (lost) => this.#lose(connection, lost),
    })
    this.#connection = connection
  }

  #lose(connection: Connection, lost: readonly LostRequest[]): void {
    this.#nextReqId = connection.nextReqId
    this.#fruitless = connection.answered ? 0 : this.#fruitless + 1
    this.#connection = undefined
    const goesOn = !this.closed && this.#options.reconnect !== undefined
    if (goesOn) this.#era++
    for (const { request, sent } of lost) {
      if (request.cancelled) continue
      const { call } = request
      if (goesOn && call.era === undefined && (!sent || REPEATABLE.has(call.type))) this.#waiting.add(request)
      else request.reject(this.#lossOf(call, sent))
    }
    if (!goesOn) this.close()
    else {
      this.#options.onLost()
      void this.#reconnect()
    }
  }

  /** What is told to whoever asked something of a connection that is gone. */
  #lossOf({ type, txId = 0, readsOnly = false, subject }: Call, sent: boolean): XenError {
    const mayBeDone = type === XenStoreOp.TransactionEnd && sent && !readsOnly
    if (txId === 0 || mayBeDone || this.#options.reconnect === undefined || this.closed) return closedError(subject)
    const why = 'the transaction has ended with its connection'
    return new XenError('EAGAIN', `${describe(subject)}: ${why}`, { detail: { ...subject } })
  }

  async #reconnect(): Promise<void> {
    const { signal } = this.#ending
    const { connect } = this.#options.reconnect!
    for (let round = this.#fruitless; !this.closed; round++) {
      try {
        await this.#backOff!.wait(round, signal)
        const channel = await connect(signal)
        if (!this.closed) return this.#renew(channel)
        channel.close()
      } catch (error) {
        if (XenError.is(error, 'CLOSED')) this.close()
      }
    }
  }

  #renew(channel: ByteChannel): void {
    this.#connect(channel)
    this.#options.onRenewed()
    for (const request of this.#waiting) {
      if (this.#connection === undefined) return
      this.#waiting.delete(request)
      this.#connection.submit(request)
    }
    this.#options.onReady()
  }
}
