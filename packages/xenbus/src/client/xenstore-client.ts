import { type Domid, type FrameNumber, type Port, XenError } from '@split-driver/abi'
import type { ByteChannel } from '../byte-channel.js'
import { packStrings, unpackTexts } from '../wire/body.js'
import { XenStoreOp } from '../wire/operation.js'
import type { Watch, XenStore, XenStoreOperations } from '../xenstore.js'
import { Connection } from './connection.js'
import { runTransaction } from './run-transaction.js'
import { StoreOperations } from './store-operations.js'
import { Watches } from './watches.js'

export interface XenStoreClientOptions {
  /** Number of the first request, u32. Another one than a predecessor's on the same ring page tells late replies apart. */
  readonly firstReqId?: number
}

/**
 * XenStore, spoken over any byte channel. Requests are pipelined; errors are XenErrors whose `detail` names operation and
 * path. When the channel closes, all that waits is rejected with CLOSED and every watch ends.
 * @see docs/misc/xenstore.txt
 */
export class XenStoreClient extends StoreOperations implements XenStore, AsyncDisposable {
  readonly #connection: Connection
  readonly #watches: Watches

  constructor(channel: ByteChannel, { firstReqId = 1 }: XenStoreClientOptions = {}) {
    const watches = new Watches()
    const connection = new Connection(
      channel,
      firstReqId,
      (event) => watches.dispatch(event),
      () => watches.end(),
    )
    super(connection, 0)
    this.#connection = connection
    this.#watches = watches
  }

  /** The channel has closed, or `dispose` was called. */
  get closed(): boolean {
    return this.#connection.closed
  }

  /** Requests that have no reply yet; 0 once all who asked have been answered. */
  get outstanding(): number {
    return this.#connection.outstanding
  }

  watch(path: string): Promise<Watch> {
    return this.#watches.open(this.#connection, path)
  }

  async onChange(path: string, onPath: (path: string) => void): Promise<Watch> {
    const watch = await this.watch(path)
    const deliver = async (): Promise<void> => {
      for await (const changed of watch) onPath(changed)
    }
    void deliver()
    return watch
  }

  /** Tries up to 100 times. @throws XenError EAGAIN after that; and what `body` throws */
  transaction<T>(body: (transaction: XenStoreOperations) => Promise<T>): Promise<T> {
    return runTransaction(this.#connection, body)
  }

  getDomainPath(domid: Domid): Promise<string> {
    return this.#askText(XenStoreOp.GetDomainPath, 'getDomainPath', domid)
  }

  async isDomainIntroduced(domid: Domid): Promise<boolean> {
    return (await this.#askText(XenStoreOp.IsDomainIntroduced, 'isDomainIntroduced', domid)) === 'T'
  }

  /** The frame number travels as a signed decimal. @see docs/misc/xenstore.txt INTRODUCE */
  async introduce(domid: Domid, frame: FrameNumber, port: Port): Promise<void> {
    await this.#askText(XenStoreOp.Introduce, 'introduce', domid, frame | 0, port)
  }

  async release(domid: Domid): Promise<void> {
    await this.#askText(XenStoreOp.Release, 'release', domid)
  }

  /** Closes the channel: all that waits is rejected with CLOSED, every watch ends. Idempotent. */
  close(): void {
    this.#connection.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }

  /** Numbers to the server, one text back. */
  async #askText(type: XenStoreOp, operation: string, domid: Domid, ...more: readonly number[]): Promise<string> {
    const body = packStrings(...[domid, ...more].map(String))
    const subject = { operation, domid }
    const texts = unpackTexts(await this.#connection.request(type, 0, body, subject))
    if (texts?.[0] !== undefined) return texts[0]
    throw new XenError('EPROTO', `${operation} ${domid}: the reply makes no sense`, { detail: subject })
  }
}
