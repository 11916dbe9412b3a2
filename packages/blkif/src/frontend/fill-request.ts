import { PAGE_BYTES, SECTOR_BYTES } from '@split-driver/abi'
import type { BlkifAbi } from '../wire/blkif-abi.js'
import {
  BlkifOp,
  DISCARD_SECURE,
  indirectPagesFor,
  SECTORS_PER_PAGE,
  SEGMENTS_PER_INDIRECT_PAGE,
} from '../wire/operations.js'
import { segmentLayout } from '../wire/request-layouts.js'
import type { DataPage } from './data-page.js'

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

/** The bytes that a request is about, in whole sectors. */
export interface Extent {
  pages: readonly DataPage[]
  /** Which of the pages they begin in, and where in it. */
  firstPage: number
  offset: number
  byteLength: number
}

export const segmentCountOf = ({ offset, byteLength }: Extent): number => Math.ceil((offset + byteLength) / PAGE_BYTES)

/**
 * Fills private words with a direct request.
 * @returns how many words the backend needs to see: the header and the segments in use
 */
export const fillDirect = (words: Int32Array, abi: BlkifAbi, head: Readonly<RequestHead>, extent: Extent): number => {
  const { at } = abi.request
  const segmentCount = segmentCountOf(extent)
  at.operation.set(words, 0, head.operation)
  at.nr_segments.set(words, 0, segmentCount)
  at.handle.set(words, 0, head.handle)
  at.sector_number.setNumber(words, 0, head.sectorNumber)
  fillId(words, abi, head)
  fillSegments(words, at.seg.wordOf(0), extent, 0, segmentCount)
  return at.seg.wordOf(0) + segmentCount * segmentLayout.words
}

/**
 * As `fillDirect`, for a read or write whose segments are told in `descriptors`, from index `firstDescriptor` on.
 * @param scratch room for one page of segments
 */
export const fillIndirect = (
  words: Int32Array,
  abi: BlkifAbi,
  head: Readonly<RequestHead>,
  extent: Extent,
  descriptors: readonly DataPage[],
  firstDescriptor: number,
  scratch: Int32Array,
): number => {
  const { at } = abi.indirect
  const segmentCount = segmentCountOf(extent)
  const pageCount = indirectPagesFor(segmentCount)
  at.operation.set(words, 0, BlkifOp.Indirect)
  at.indirect_op.set(words, 0, head.operation)
  at.nr_segments.set(words, 0, segmentCount)
  at.handle.set(words, 0, head.handle)
  at.sector_number.setNumber(words, 0, head.sectorNumber)
  fillId(words, abi, head)
  for (let page = 0; page < pageCount; page++) {
    const descriptor = descriptors[firstDescriptor + page]!
    const first = page * SEGMENTS_PER_INDIRECT_PAGE
    const count = Math.min(segmentCount - first, SEGMENTS_PER_INDIRECT_PAGE)
    fillSegments(scratch, 0, extent, first, count)
    descriptor.put(scratch, 0, count * segmentLayout.words)
    words[at.indirect_grefs.word + page] = descriptor.ref
  }
  return at.indirect_grefs.word + pageCount
}

/** As `fillDirect`, for a discard of `sectorCount` sectors of 512 bytes. */
export const fillDiscard = (
  words: Int32Array,
  abi: BlkifAbi,
  head: Readonly<RequestHead>,
  sectorCount: number,
  secure: boolean,
): number => {
  const { at } = abi.discard
  at.operation.set(words, 0, BlkifOp.Discard)
  at.flag.set(words, 0, secure ? DISCARD_SECURE : 0)
  at.handle.set(words, 0, head.handle)
  at.sector_number.setNumber(words, 0, head.sectorNumber)
  at.nr_sectors.setNumber(words, 0, sectorCount)
  fillId(words, abi, head)
  return abi.discard.words
}

/** It lies at the same place in every kind of request. */
const fillId = (words: Int32Array, abi: BlkifAbi, head: Readonly<RequestHead>): void => {
  const { word } = abi.request.at.id
  words[word] = head.index
  words[word + 1] = head.uses
}

/** Segments `first` … of an extent, at `word` of `words`: every page whole but for the ends. */
const fillSegments = (words: Int32Array, word: number, extent: Extent, first: number, count: number): void => {
  const { gref, first_sect, last_sect } = segmentLayout.at
  const end = (extent.offset + extent.byteLength) / SECTOR_BYTES
  for (let i = first, at = word; i < first + count; i++, at += segmentLayout.words) {
    gref.set(words, at, extent.pages[extent.firstPage + i]!.ref)
    first_sect.set(words, at, i === 0 ? extent.offset / SECTOR_BYTES : 0)
    last_sect.set(words, at, Math.min(end - i * SECTORS_PER_PAGE, SECTORS_PER_PAGE) - 1)
  }
}
