import { type GrantRef, SECTOR_BYTES } from '@split-driver/abi'
import type { BlkifAbi } from '../wire/blkif-abi.js'
import { BlkifOp, BlkifStatus, DISCARD_SECURE, MAX_SEGMENTS, SECTORS_PER_PAGE } from '../wire/operations.js'
import { segmentLayout } from '../wire/request-layouts.js'
import type { FetchedRequest } from './fetched-request.js'

/** What a guest may do with the disk, from the backend's own side only. */
export interface Disk {
  /** In units of 512 bytes; it changes when the store's size does. */
  sectors: number
  /** Logical sector size, in units of 512 bytes. */
  readonly sectorsPerBlock: number
  readonly readOnly: boolean
  /** Most segments of an indirect request; 0 if there are to be none. */
  readonly maxIndirectSegments: number
  /** Discards were offered, and whether secure ones were; undefined if none. */
  readonly discard: { readonly secure: boolean } | undefined
}

/** Flushes and barriers: ordered after the changes that came before them. */
export const isFence = (operation: number): boolean =>
  operation === BlkifOp.FlushDiskcache || operation === BlkifOp.WriteBarrier

/**
 * Judges a request by what its head says, before its segments are looked at (rules 16, 17, 28).
 * @returns Okay if it may go on, else the status to answer
 */
export const judgeHead = ({ operation, isIndirect, segmentCount }: FetchedRequest, disk: Disk): BlkifStatus => {
  const isTransfer = operation === BlkifOp.Read || operation === BlkifOp.Write
  if (isIndirect) {
    if (!isTransfer || segmentCount === 0 || segmentCount > disk.maxIndirectSegments) return BlkifStatus.Error
  } else if (operation === BlkifOp.Discard) {
    if (disk.discard === undefined) return BlkifStatus.NotSupported
  } else if (operation > BlkifOp.FlushDiskcache) return BlkifStatus.NotSupported
  else if (segmentCount === 0) return isFence(operation) ? BlkifStatus.Okay : BlkifStatus.Error
  else if (segmentCount > MAX_SEGMENTS) return BlkifStatus.Error
  return disk.readOnly && operation !== BlkifOp.Read ? BlkifStatus.Error : BlkifStatus.Okay
}

/**
 * Judges where a request leads, by rules 18 and 19, and fills in what serving it needs: `position`, `byteLength`, `refs`.
 * Its head has been found good, and its segments have been fetched.
 * @returns Okay if it is to be carried out, else the status to answer
 */
export const judgeExtent = (request: FetchedRequest, abi: BlkifAbi, disk: Disk): BlkifStatus => {
  const { words, operation } = request
  if (operation !== BlkifOp.Discard && request.segmentCount === 0) return BlkifStatus.Okay
  const sectors = operation === BlkifOp.Discard ? abi.discard.at.nr_sectors.getNumber(words, 0) : judgeSegments(request)
  const sectorNumber = abi.request.at.sector_number.getNumber(words, 0)
  // No overflow: what is no safe integer reads as Infinity, and the sum of two safe numbers is exact enough to be beyond
  // any disk.
  if (sectors < 0 || !(sectorNumber + sectors <= disk.sectors)) return BlkifStatus.Error
  if (sectorNumber % disk.sectorsPerBlock !== 0 || sectors % disk.sectorsPerBlock !== 0) return BlkifStatus.Error
  request.position = sectorNumber * SECTOR_BYTES
  request.byteLength = sectors * SECTOR_BYTES
  // The flag means nothing where it was not offered (rule 29).
  request.secure = disk.discard?.secure === true && (abi.discard.at.flag.get(words, 0) & DISCARD_SECURE) !== 0
  return BlkifStatus.Okay
}

/** @returns sectors in all segments together, or −1 if one is no piece of a page (rule 18) */
const judgeSegments = (request: FetchedRequest): number => {
  const { segmentWords, refs } = request
  const { at } = segmentLayout
  let sectors = 0
  refs.length = 0
  for (let i = 0; i < request.segmentCount; i++) {
    const word = request.segmentWord(i)
    const first = at.first_sect.get(segmentWords, word)
    const last = at.last_sect.get(segmentWords, word)
    if (first > last || last >= SECTORS_PER_PAGE) return -1
    sectors += last - first + 1
    refs.push(at.gref.get(segmentWords, word) as GrantRef)
  }
  return sectors
}
