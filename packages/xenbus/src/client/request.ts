import type { XenStoreOp } from '../wire/operation.js'
import type { AbortListeners } from './abort-listeners.js'

/** What a request is about, for its error. */
export interface Subject {
  /** As the interface names it: `read`, `watch`. */
  readonly operation: string
  readonly path?: string
}

/** What is asked of the server, and what becomes of it when things go otherwise. */
export interface Call {
  readonly type: XenStoreOp
  readonly body: Uint8Array
  readonly subject: Subject
  /** 0 outside of any transaction, which it is unless given. */
  readonly txId?: number
  /** The one connection that it makes sense on, as a transaction does; unless given, whichever there is. */
  readonly era?: number
  /** Of a transaction's end: it makes no difference whether it was carried out. */
  readonly readsOnly?: boolean
  /** Any of them gives the request up. */
  readonly signals?: readonly (AbortSignal | undefined)[]
  /** Its reply came, on that connection; told before anything else can befall the connection. */
  onReply?(era: number): void
  /** It was given up. @param sent whether the server may have it */
  onCancel?(sent: boolean): void
  /** The reply after it was given up. Without this, such a reply is ignored. */
  onLate?(body: Uint8Array, era: number): void
}

export const describe = ({ operation, path }: Subject): string =>
  path === undefined ? operation : `${operation} ${path}`

/** A call that somebody waits for. It is settled once; what comes after that changes nothing. */
export class PendingRequest {
  readonly call: Call
  readonly reply: Promise<Uint8Array>
  /** Its number on the connection that it went out on. */
  reqId = 0
  #cancelled = false
  #forgetSignals: readonly (() => void)[] = []
  #resolve!: (body: Uint8Array) => void
  #reject!: (reason: unknown) => void

  /** @param onCancel a signal gave it up; not called before this returns */
  constructor(call: Call, listeners: AbortListeners, onCancel: (request: PendingRequest) => void) {
    this.call = call
    this.reply = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    const signals = call.signals?.filter((signal) => signal !== undefined) ?? []
    if (signals.length === 0) return
    const giveUp = (signal: AbortSignal): void => {
      this.#cancelled = true
      this.reject(signal.reason)
      onCancel(this)
    }
    this.#forgetSignals = signals.map((signal) => listeners.listen(signal, () => giveUp(signal)))
  }

  /** Given up by whoever asked. */
  get cancelled(): boolean {
    return this.#cancelled
  }

  resolve(body: Uint8Array): void {
    for (const forget of this.#forgetSignals) forget()
    this.#resolve(body)
  }

  reject(reason: unknown): void {
    for (const forget of this.#forgetSignals) forget()
    this.#reject(reason)
  }
}
