import type { GrantRef } from '@split-driver/abi'
import { segmentLayout } from '../wire/request-layouts.js'
import { emptyHold, type PageHold } from './guest-pages.js'

/**
 * One request in work: the private copy that is judged and served, for the guest may rewrite its slot and its descriptor
 * pages at any time. As many of these exist as requests were ever in work at once; each is used again and again.
 */
export class FetchedRequest {
  /** What the guest put into the slot. Only the words that its operation has are of this request. */
  readonly words: Int32Array
  /** What is to be done, and what the response echoes: of an indirect request, its `indirect_op` (rule 12). */
  operation = 0
  isIndirect = false
  /** As the guest sent it. */
  segmentCount = 0
  /** Where the segments are: behind the head in `words`, or copied out of the descriptor pages. */
  segmentWords: Int32Array
  firstSegmentWord = 0

  // Of a request that was judged good:
  /** Byte on the disk at which it begins. */
  position = 0
  byteLength = 0
  /** Of a discard: no copy may remain. */
  secure = false
  /** One a segment; before the segments are known, one a descriptor page. */
  readonly refs: GrantRef[] = []
  readonly hold: PageHold = emptyHold()
  /** The named bytes of the held pages, in order; neighbours joined. */
  readonly views: Uint8Array[] = []

  // Of a request that changes the disk:
  /** Order of arrival. */
  sequence = 0
  /** Changes before a flush or barrier that are still in work. */
  waitsFor = 0

  /** What a store's promise calls; made once, so that a request makes no closure. */
  readonly onDone: () => void
  readonly onFailed: (error: unknown) => void
  #descriptors: Int32Array | undefined

  constructor(
    words: number,
    onDone: (request: FetchedRequest) => void,
    onFailed: (request: FetchedRequest, error: unknown) => void,
  ) {
    this.words = new Int32Array(words)
    this.segmentWords = this.words
    this.onDone = () => onDone(this)
    this.onFailed = (error) => onFailed(this, error)
  }

  /** Private room for the segments of an indirect request; kept once it has been needed. */
  descriptors(most: number): Int32Array {
    this.#descriptors ??= new Int32Array(most * segmentLayout.words)
    return this.#descriptors
  }

  segmentWord(index: number): number {
    return this.firstSegmentWord + index * segmentLayout.words
  }
}
