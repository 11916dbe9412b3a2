import type { BlkifAbi } from '../wire/blkif-abi.js'
import type { IoBuffer } from './io-buffer.js'
import type { Buffers } from './scatter.js'

export interface BlkifFrontendOptions {
  /** `ring-page-order`: 2ⁿ ring pages, if the backend takes as many, else as many as it does; 0 to 4, 0 unless given. */
  readonly ringPageOrder?: number
  /**
   * Most pages that one request names, 11 to 4096: above 11 by indirect requests, if the backend takes them, and of as
   * many as it takes; 32 unless given, as Linux asks for. Eleven carry 44 KiB.
   */
  readonly maxSegments?: number
  /**
   * Most pages of this domain that are granted for copied data and descriptors at a time, at least 11. They are granted
   * as they are needed; unless given, as many as all the ring's requests can name.
   */
  readonly dataPages?: number
  /** The layout of requests; the machine's own unless given. */
  readonly abi?: BlkifAbi
  /** The disk has become larger or smaller while it is in use. */
  readonly onResize?: (sectorCount: number) => void
}

export interface BlkifOpenOptions extends BlkifFrontendOptions {
  /** Gives the opening up. */
  readonly signal?: AbortSignal
}

export interface TransferOptions {
  /**
   * Gives up waiting: the call is rejected with ABORTED and its buffers are not touched again. What is on the ring already
   * is carried out nevertheless; what is not, is not.
   */
  readonly signal?: AbortSignal
}

export interface DiscardOptions extends TransferOptions {
  /** No copy of the data may remain anywhere. @throws XenError EOPNOTSUPP where the backend does not promise that */
  readonly secure?: boolean
}

/** What a transfer fills or sends: bytes, several runs of bytes, or memory that the backend itself reaches. */
export type TransferMemory = Uint8Array | Buffers | IoBuffer
