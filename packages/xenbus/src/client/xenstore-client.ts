import { EventEmitter } from 'events'
import type TypedEmitter from 'typed-emitter'
import type { ByteChannel } from '../byte-channel.js'
import { packStrings } from '../wire/body.js'
import { XenStoreOp } from '../wire/operation.js'
import type { CallOptions, TransactionOptions, Watch, WatchOptions, XenStore, XenStoreOperations } from '../xenstore.js'
import type { XenStoreAdmin } from '../xenstore-admin.js'
import { AdminOperations } from './admin-operations.js'
import { BackOff, type BackOffSpan, type Pacing } from './back-off.js'
import { runTransaction } from './run-transaction.js'
import { type Connect, Session } from './session.js'
import { Watches } from './watches.js'

/** Between two tries of one transaction. */
export const TRANSACTION_BACK_OFF: BackOffSpan = { firstMs: 1, mostMs: 64 }

/** Between a connection's end and the tries to open another one. */
export const RECONNECT_BACK_OFF: BackOffSpan = { firstMs: 10, mostMs: 2000 }

export interface XenStoreClientOptions extends Pacing {
  /** Number of the first request, u32. Another one than a predecessor's on the same ring page tells late replies apart. */
  readonly firstReqId?: number
  /** Opens another connection when one has ended, until the client is closed. Needs a clock. */
  readonly reconnect?: Connect
  /** How long to wait before another connection; `RECONNECT_BACK_OFF` unless given. */
  readonly reconnectBackOff?: BackOffSpan
}

/** What befalls a client's connection. */
export type XenStoreClientEvents = {
  /** It ended, and another one is sought. */
  lost: () => void
  /** There is another one; every watch is being registered on it. */
  reconnected: () => void
  /** There will be no other one. */
  closed: () => void
}

/**
 * XenStore, spoken over any byte channel. Requests are pipelined; errors are XenErrors whose `detail` names operation and
 * path.
 *
 * When the channel closes, all that waits is rejected with CLOSED and every watch ends; unless there is a way to reconnect.
 * Then reads are asked again, and so is all of which nothing had gone out; what may have been carried out is rejected with
 * CLOSED, transactions run again from their start, and each watch is registered once more and tells its own path.
 * @see docs/misc/xenstore.txt
 */
export class XenStoreClient extends AdminOperations implements XenStore, XenStoreAdmin, AsyncDisposable {
  readonly #session: Session
  readonly #watches: Watches
  readonly #backOff: BackOff
  readonly #events: TypedEmitter<XenStoreClientEvents>

  /** @throws TypeError if it is to reconnect without a clock */
  constructor(channel: ByteChannel, options: XenStoreClientOptions = {}) {
    const { firstReqId = 1, reconnect, reconnectBackOff = RECONNECT_BACK_OFF, clock, random } = options
    const watches = new Watches()
    const events = new EventEmitter() as TypedEmitter<XenStoreClientEvents>
    const session = new Session(channel, {
      firstReqId,
      clock,
      random,
      reconnect: reconnect && { connect: reconnect, span: reconnectBackOff },
      onEvent: (event) => watches.dispatch(event),
      onLost: () => void events.emit('lost'),
      onRenewed: () => watches.renew(session),
      onReady: () => void events.emit('reconnected'),
      onEnd: () => {
        watches.end()
        events.emit('closed')
      },
    })
    super(session)
    this.#session = session
    this.#watches = watches
    this.#backOff = new BackOff(TRANSACTION_BACK_OFF, { clock, random }, session.listeners)
    this.#events = events
  }

  /**
   * A client that reconnects whenever its connection ends. @throws what `connect` throws at the first time
   */
  static async open(
    connect: Connect,
    options: Omit<XenStoreClientOptions, 'reconnect'> & Required<Pick<Pacing, 'clock'>>,
  ): Promise<XenStoreClient> {
    const channel = await connect(new AbortController().signal)
    return new XenStoreClient(channel, { ...options, reconnect: connect })
  }

  /** It was closed, by `close` or with a channel that nothing follows. */
  get closed(): boolean {
    return this.#session.closed
  }

  /** There is a channel. While there is none, requests wait. */
  get connected(): boolean {
    return this.#session.connected
  }

  /** Requests that have no reply yet; 0 once all who asked have been answered. */
  get outstanding(): number {
    return this.#session.outstanding
  }

  on<Name extends keyof XenStoreClientEvents>(event: Name, listener: XenStoreClientEvents[Name]): this {
    this.#events.on(event, listener)
    return this
  }

  off<Name extends keyof XenStoreClientEvents>(event: Name, listener: XenStoreClientEvents[Name]): this {
    this.#events.off(event, listener)
    return this
  }

  watch(path: string, options?: WatchOptions): Promise<Watch> {
    return this.#watches.open(this.#session, path, options)
  }

  async onChange(path: string, onPath: (path: string) => void, options?: WatchOptions): Promise<Watch> {
    const watch = await this.watch(path, options)
    const paths = watch[Symbol.asyncIterator]()
    const deliver = async (): Promise<void> => {
      for (;;) {
        // A watch that the server does not take up again has nothing more to call back for.
        const { done, value } = await paths.next().catch(() => ({ done: true, value: '' }))
        if (done) return
        onPath(value)
      }
    }
    void deliver()
    return watch
  }

  /**
   * With a clock, it waits between tries: up to 1 ms, then up to twice as long each time, at most 64 ms.
   * @throws XenError EAGAIN after the last of them; and what `body` throws
   */
  transaction<T>(body: (transaction: XenStoreOperations) => Promise<T>, options?: TransactionOptions): Promise<T> {
    return runTransaction(this.#session, body, this.#backOff, options)
  }

  async resetWatches(options?: CallOptions): Promise<void> {
    const ended = this.#watches.registered
    await this.#session.request({
      type: XenStoreOp.ResetWatches,
      body: packStrings(''),
      subject: { operation: 'resetWatches' },
      signals: [options?.signal],
      onReply: () => this.#watches.end(ended),
    })
  }

  /** Closes the channel: all that waits is rejected with CLOSED, every watch ends. Idempotent. */
  close(): void {
    this.#session.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }
}
