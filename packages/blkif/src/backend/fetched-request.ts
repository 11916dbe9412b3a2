import type { GrantRef } from '@split-driver/abi'
import type { Mapping } from '@split-driver/grant'
import type { BackRing } from '@split-driver/ring'
import type { BlkifAbi } from '../wire/blkif-abi.js'
import { BlkifOp, MAX_SEGMENTS } from '../wire/operations.js'
import { segmentLayout } from '../wire/request-layouts.js'

/** Operations whose requests carry segments, as far as this backend knows them. */
const carriesSegments = (operation: number): boolean => operation <= BlkifOp.FlushDiskcache

/**
 * One request in work: the private copy that is judged and served, for the guest may rewrite its slot at any time. As
 * many of these exist as requests were ever in work at once; each is used again and again.
 */
export class FetchedRequest {
  /** What the guest sent. Only the words up to its last segment are of this request. */
  readonly words: Int32Array
  operation = 0
  /** As the guest sent it: 0 to 255. */
  segmentCount = 0

  // Of a request that was judged good:
  /** Byte on the disk at which it begins. */
  position = 0
  byteLength = 0
  /** One a segment. */
  readonly refs: GrantRef[] = []
  mapping: Mapping | undefined
  /** The named bytes of the mapped pages, in order; neighbours joined. */
  readonly views: Uint8Array[] = []

  // Of a request that changes the disk:
  /** Order of arrival. */
  sequence = 0
  /** Changes before a flush or barrier that are still in work. */
  waitsFor = 0

  /** What a store's promise calls; made once, so that a request makes no closure. */
  readonly onDone: () => void
  readonly onFailed: (error: unknown) => void

  constructor(
    words: number,
    onDone: (request: FetchedRequest) => void,
    onFailed: (request: FetchedRequest, error: unknown) => void,
  ) {
    this.words = new Int32Array(words)
    this.onDone = () => onDone(this)
    this.onFailed = (error) => onFailed(this, error)
  }
}

/**
 * Takes the request at `reqCons` off the ring. Each of its words is fetched once at the most: the header first, then as
 * many segments as the copy of its count names, if that is a count at all (rules 8 and 20).
 */
export const fetchRequest = (ring: BackRing, abi: BlkifAbi, request: FetchedRequest): void => {
  const { at } = abi.request
  ring.copyRequest(request.words, 0, 0, at.seg.word)
  request.operation = at.operation.get(request.words, 0)
  request.segmentCount = at.nr_segments.get(request.words, 0)
  if (carriesSegments(request.operation) && request.segmentCount <= MAX_SEGMENTS)
    ring.copyRequest(request.words, at.seg.word, at.seg.word, request.segmentCount * segmentLayout.words)
  ring.consumeRequest()
}
