import { PAGE_BYTES, SECTOR_BYTES } from '@split-driver/abi'
import type { SharedPages } from '@split-driver/grant'
import type { BlkifAbi } from '../wire/blkif-abi.js'
import { SECTORS_PER_PAGE } from '../wire/operations.js'
import { segmentLayout } from '../wire/request-layouts.js'

/** What a request says beside its segments. */
export interface RequestHead {
  operation: number
  /** The device's number, as the toolstack gave it. */
  handle: number
  sectorNumber: number
  /** Lower and upper half of the id. */
  index: number
  uses: number
}

/**
 * Fills private words with a direct request for the first `byteLength` bytes of `pages`: every page but the last whole.
 * @returns how many words the backend needs to see: the header and the segments in use
 */
export const fillRequest = (
  words: Int32Array,
  abi: BlkifAbi,
  head: Readonly<RequestHead>,
  pages: SharedPages,
  byteLength: number,
): number => {
  const { at } = abi.request
  const segmentCount = Math.ceil(byteLength / PAGE_BYTES)
  at.operation.set(words, 0, head.operation)
  at.nr_segments.set(words, 0, segmentCount)
  at.handle.set(words, 0, head.handle)
  words[at.id.word] = head.index
  words[at.id.word + 1] = head.uses
  at.sector_number.setNumber(words, 0, head.sectorNumber)
  for (let i = 0; i < segmentCount; i++) {
    const sectors = Math.min((byteLength - i * PAGE_BYTES) / SECTOR_BYTES, SECTORS_PER_PAGE)
    const word = at.seg.wordOf(i)
    segmentLayout.at.gref.set(words, word, pages.refs[i]!)
    segmentLayout.at.first_sect.set(words, word, 0)
    segmentLayout.at.last_sect.set(words, word, sectors - 1)
  }
  return at.seg.wordOf(0) + segmentCount * segmentLayout.words
}
