import { PAGE_BYTES, SECTOR_BYTES, XenError } from '@split-driver/abi'
import type { BlkifAbi } from '../wire/blkif-abi.js'
import { BlkifOp, indirectPagesFor, MAX_SEGMENTS, SEGMENTS_PER_INDIRECT_PAGE } from '../wire/operations.js'
import { segmentLayout } from '../wire/request-layouts.js'
import type { DataPage } from './data-page.js'
import { type Extent, fillDirect, fillDiscard, fillIndirect, type RequestHead, segmentCountOf } from './fill-request.js'
import type { PagePool } from './page-pool.js'
import { gather } from './scatter.js'
import type { Transfer } from './transfer.js'

export interface RequestWriterOptions {
  readonly abi: BlkifAbi
  /** The device's number, for the request's `handle`. */
  readonly handle: number
  /** Logical sector size in bytes: no request splits one. */
  readonly sectorBytes: number
  /** Most segments of a request: 11, or more if the backend takes indirect requests of as many. */
  readonly maxSegments: number
}

const descriptorPages = (segments: number): number => (segments <= MAX_SEGMENTS ? 0 : indirectPagesFor(segments))

/** Writes requests, one at a time, each for as much of a transfer as a request can carry. */
export class RequestWriter {
  /** The request that `write` wrote. */
  readonly words: Int32Array
  readonly #options: RequestWriterOptions
  readonly #pool: PagePool
  readonly #descriptors = new Int32Array(SEGMENTS_PER_INDIRECT_PAGE * segmentLayout.words)
  // Filled anew for each request, so that none makes an object.
  readonly #head: RequestHead
  readonly #extent: Extent = { pages: [], firstPage: 0, offset: 0, byteLength: 0 }

  constructor(pool: PagePool, options: RequestWriterOptions) {
    this.#options = options
    this.#pool = pool
    this.words = new Int32Array(Math.max(options.abi.request.words, options.abi.indirect.words))
    this.#head = { operation: 0, handle: options.handle, sectorNumber: 0, index: 0, uses: 0 }
  }

  /** Bytes of the transfer that the request is about. */
  get byteLength(): number {
    return this.#extent.byteLength
  }

  get isIndirect(): boolean {
    return segmentCountOf(this.#extent) > MAX_SEGMENTS
  }

  /**
   * Begins the next request of a transfer: how much it is about, and the pages that it takes.
   * @param taken empty; pages of the pool are put here: those of the data, unless they are the caller's own, then those
   * of descriptors
   * @returns false if it has to wait until requests give pages back
   * @throws XenError ENOSPC: there are no pages for one sector
   */
  begin(transfer: Transfer, taken: DataPage[]): boolean {
    for (;;) {
      this.#measure(transfer, taken)
      const segments = segmentCountOf(this.#extent)
      const count = descriptorPages(segments) + (transfer.granted === undefined ? segments : 0)
      if (this.#pool.take(count, taken)) return true
      if (count <= this.#pool.limit) return false
    }
  }

  /** Writes the request that was begun, with its id. @returns how many of `words` the backend needs to see */
  write(transfer: Transfer, index: number, uses: number, taken: readonly DataPage[]): number {
    const { abi } = this.#options
    const { request, submittedBytes, granted } = transfer
    const { operation, discard } = request
    const head = this.#head
    const extent = this.#extent
    head.operation = operation
    head.sectorNumber = request.sectorNumber + submittedBytes / SECTOR_BYTES
    head.index = index
    head.uses = uses
    if (discard !== undefined) return fillDiscard(this.words, abi, head, discard.sectorCount, discard.secure)
    if (operation === BlkifOp.Write && granted === undefined)
      gather(request.buffers, submittedBytes, taken, extent.byteLength)
    if (!this.isIndirect) return fillDirect(this.words, abi, head, extent)
    const firstDescriptor = granted === undefined ? segmentCountOf(extent) : 0
    return fillIndirect(this.words, abi, head, extent, taken, firstDescriptor, this.#descriptors)
  }

  #measure({ request, submittedBytes, granted }: Transfer, taken: readonly DataPage[]): void {
    const { sectorBytes } = this.#options
    const extent = this.#extent
    const start = granted === undefined ? 0 : request.ioBuffer!.offset + submittedBytes
    extent.pages = granted?.pages ?? taken
    extent.firstPage = Math.floor(start / PAGE_BYTES)
    extent.offset = start % PAGE_BYTES
    const wanted = request.byteLength - submittedBytes
    const most = this.#mostSegments(granted !== undefined) * PAGE_BYTES - extent.offset
    extent.byteLength = wanted <= most ? wanted : most - (most % sectorBytes)
    if (extent.byteLength < Math.min(wanted, sectorBytes))
      throw new XenError('ENOSPC', 'there are no pages for data', { detail: { limit: this.#pool.limit } })
  }

  /** @param areOwn the pages of the data are the caller's, and only descriptors take some of the pool */
  #mostSegments(areOwn: boolean): number {
    const { maxSegments } = this.#options
    const { limit } = this.#pool
    const left = limit - descriptorPages(maxSegments)
    if (areOwn) return left >= 0 ? maxSegments : MAX_SEGMENTS
    return left > MAX_SEGMENTS ? Math.min(maxSegments, left) : Math.min(MAX_SEGMENTS, limit)
  }
}
