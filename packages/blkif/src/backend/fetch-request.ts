import type { GrantRef } from '@split-driver/abi'
import type { BackRing } from '@split-driver/ring'
import type { BlkifAbi } from '../wire/blkif-abi.js'
import { BlkifOp, indirectPagesFor, MAX_SEGMENTS, SEGMENTS_PER_INDIRECT_PAGE } from '../wire/operations.js'
import { segmentLayout } from '../wire/request-layouts.js'
import type { FetchedRequest } from './fetched-request.js'
import type { GuestPages } from './guest-pages.js'

/**
 * Takes the request at `reqCons` off the ring. Each of its words is fetched once at the most: the head first, then what
 * the copy of the head says that there is (rules 8 and 20).
 * @param maxIndirectSegments what was offered; 0 if indirect requests were not
 */
export const fetchRequest = (
  ring: BackRing,
  abi: BlkifAbi,
  request: FetchedRequest,
  maxIndirectSegments: number,
): void => {
  const { words } = request
  const head = abi.request.at.seg.word
  ring.copyRequest(words, 0, 0, head)
  request.operation = abi.request.at.operation.get(words, 0)
  request.isIndirect = request.operation === BlkifOp.Indirect && maxIndirectSegments > 0
  request.refs.length = 0
  if (request.isIndirect) fetchIndirect(ring, abi, request, maxIndirectSegments)
  else {
    request.segmentCount = abi.request.at.nr_segments.get(words, 0)
    const more = wordsBeyondHead(abi, request)
    if (more > 0) ring.copyRequest(words, head, head, more)
  }
  ring.consumeRequest()
}

const wordsBeyondHead = (abi: BlkifAbi, { operation, segmentCount }: FetchedRequest): number => {
  if (operation === BlkifOp.Discard) return abi.discard.words - abi.request.at.seg.word
  const carriesSegments = operation <= BlkifOp.FlushDiskcache
  return carriesSegments && segmentCount <= MAX_SEGMENTS ? segmentCount * segmentLayout.words : 0
}

/** The references of as many descriptor pages as the copy of the count asks for, if it is a count at all (rule 16). */
const fetchIndirect = (ring: BackRing, abi: BlkifAbi, request: FetchedRequest, most: number): void => {
  const { at } = abi.indirect
  const { words } = request
  request.operation = at.indirect_op.get(words, 0)
  request.segmentCount = at.nr_segments.get(words, 0)
  if (request.segmentCount > most) return
  const pages = indirectPagesFor(request.segmentCount)
  const first = at.indirect_grefs.word
  ring.copyRequest(words, first, first, pages)
  for (let page = 0; page < pages; page++) request.refs.push((words[first + page]! >>> 0) as GrantRef)
}

/**
 * Copies the segments of an indirect request out of its descriptor pages, each word once, and lets the pages go.
 * @param most segments of an indirect request; it has no more
 * @throws XenError GNTST_*: a page cannot be had
 */
export const fetchDescriptors = (pages: GuestPages, request: FetchedRequest, most: number): void => {
  const { hold, refs, segmentCount } = request
  const words = request.descriptors(most)
  request.segmentWords = words
  request.firstSegmentWord = 0
  pages.hold(refs, 'read-only', hold)
  for (let page = 0; page < refs.length; page++) {
    const first = page * SEGMENTS_PER_INDIRECT_PAGE
    const count = Math.min(segmentCount - first, SEGMENTS_PER_INDIRECT_PAGE)
    hold.pages[page]!.memory.copyOut(0, count * segmentLayout.words, words, first * segmentLayout.words)
  }
  pages.release(hold)
}
