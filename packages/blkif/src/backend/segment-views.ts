import { SECTOR_BYTES } from '@split-driver/abi'
import { segmentLayout } from '../wire/request-layouts.js'
import type { FetchedRequest } from './fetched-request.js'

/**
 * Fills `request.views` with exactly the bytes that its segments name, each within its own page. Where one ends at the
 * address at which the next begins they become one view, so that a store makes one transfer of them; a byte that no
 * segment names is in no view (B7).
 */
export const collectViews = (request: FetchedRequest): void => {
  const { views, segmentCount } = request
  let run = segmentBytes(request, 0)
  let end = run.byteOffset + run.length
  for (let i = 1; i < segmentCount; i++) {
    const next = segmentBytes(request, i)
    if (next.buffer !== run.buffer || next.byteOffset !== end) {
      views.push(joined(run, end))
      run = next
    }
    end = next.byteOffset + next.length
  }
  views.push(joined(run, end))
}

const segmentBytes = (request: FetchedRequest, index: number): Uint8Array => {
  const { segmentWords, hold } = request
  const word = request.segmentWord(index)
  const first = segmentLayout.at.first_sect.get(segmentWords, word)
  const sectors = segmentLayout.at.last_sect.get(segmentWords, word) - first + 1
  return hold.pages[index]!.bytes(first * SECTOR_BYTES, sectors * SECTOR_BYTES)
}

/** From where `first` begins to `end`, in the same buffer. */
const joined = (first: Uint8Array, end: number): Uint8Array =>
  first.byteOffset + first.length === end
    ? first
    : new Uint8Array(first.buffer, first.byteOffset, end - first.byteOffset)
