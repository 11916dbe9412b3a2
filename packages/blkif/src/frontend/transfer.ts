import { XenError } from '@split-driver/abi'
import type { BlkifOp } from '../wire/operations.js'
import type { GrantedMemory } from './granted-memory.js'
import type { IoBuffer } from './io-buffer.js'
import type { Buffers } from './scatter.js'

/** What a caller asks for. */
export interface TransferRequest {
  readonly operation: BlkifOp
  /** Unit: 512 bytes. */
  readonly sectorNumber: number
  /** Filled or sent; none for a flush or a discard. */
  readonly buffers: Buffers
  /** All of `buffers` together, in whole sectors. */
  readonly byteLength: number
  /** Where the only one of `buffers` lies, if the backend may be told so. */
  readonly ioBuffer?: IoBuffer | undefined
  /** What a discard is about; unit: 512 bytes. */
  readonly discard?: { readonly sectorCount: number; readonly secure: boolean }
  readonly signal?: AbortSignal | undefined
}

/**
 * One call of a caller, carried out by as many requests as it takes. It settles once: with the last of its requests, or
 * earlier when the caller gives up or the device closes. Its buffers are not touched after that.
 */
export class Transfer {
  /** Neighbours in the queue of what is not yet wholly on the ring. */
  next: Transfer | undefined
  previous: Transfer | undefined
  /** Bytes for which a request is or was on the ring. */
  submittedBytes = 0
  /** All its requests are or were on the ring. */
  submitted = false
  /** Requests on the ring. */
  outstanding = 0
  settled = false
  #failure: XenError | undefined
  #abort: (() => void) | undefined

  /** @param granted the pages of `request.ioBuffer`, if this backend can be told of them: then nothing is copied */
  constructor(
    readonly request: TransferRequest,
    readonly granted: GrantedMemory | undefined,
    readonly resolve: () => void,
    readonly reject: (error: XenError) => void,
  ) {}

  /** Calls `onAbort` if the caller gives up before the transfer is settled. */
  listen(onAbort: (transfer: Transfer) => void): void {
    if (this.request.signal === undefined) return
    this.#abort = () => onAbort(this)
    this.request.signal.addEventListener('abort', this.#abort)
  }

  /** One of its requests failed: the first failure is told when none is outstanding. */
  fail(error: XenError): void {
    this.#failure ??= error
  }

  get failed(): boolean {
    return this.#failure !== undefined
  }

  /** Settles it if nothing of it is outstanding and nothing will follow. */
  finish(): void {
    if (this.outstanding === 0 && (this.submitted || this.failed)) this.settle(this.#failure)
  }

  settle(error: XenError | undefined): void {
    if (this.settled) return
    this.settled = true
    if (this.#abort !== undefined) this.request.signal?.removeEventListener('abort', this.#abort)
    if (error === undefined) this.resolve()
    else this.reject(error)
  }

  giveUp(): void {
    this.settle(new XenError('ABORTED', 'the caller gave up waiting', { cause: this.request.signal?.reason }))
  }
}
