import { SECTOR_BYTES } from '@split-driver/abi'
import type { BlkifAbi } from '../wire/blkif-abi.js'
import { BlkifOp } from '../wire/operations.js'
import { segmentLayout } from '../wire/request-layouts.js'
import type { FetchedRequest } from './fetched-request.js'

/**
 * Fills `request.views` with exactly the bytes that its segments name, each within its own page. Where one ends at the
 * address at which the next begins they become one view, so that a store makes one transfer of them; a byte that no
 * segment names is in no view (B7).
 */
export const collectViews = (request: FetchedRequest, abi: BlkifAbi): void => {
  const { views, words, segmentCount } = request
  views.length = 0
  for (let i = 0; i < segmentCount; i++) {
    const word = abi.request.at.seg.wordOf(i)
    const first = segmentLayout.at.first_sect.get(words, word)
    const sectors = segmentLayout.at.last_sect.get(words, word) - first + 1
    append(views, pageBytes(request, i, first * SECTOR_BYTES, sectors * SECTOR_BYTES))
  }
}

const pageBytes = (request: FetchedRequest, index: number, offset: number, length: number): Uint8Array => {
  const page = request.mapping!.page(index)
  return request.operation === BlkifOp.Read ? page.mutableBytes(offset, length) : page.bytes(offset, length)
}

const append = (views: Uint8Array[], view: Uint8Array): void => {
  const last = views[views.length - 1]
  if (last === undefined || last.buffer !== view.buffer || last.byteOffset + last.length !== view.byteOffset) {
    views.push(view)
    return
  }
  views[views.length - 1] = new Uint8Array(last.buffer, last.byteOffset, last.length + view.length)
}
