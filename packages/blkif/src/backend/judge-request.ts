import { type GrantRef, SECTOR_BYTES } from '@split-driver/abi'
import type { BlkifAbi } from '../wire/blkif-abi.js'
import { BlkifOp, BlkifStatus, MAX_SEGMENTS, SECTORS_PER_PAGE } from '../wire/operations.js'
import { segmentLayout } from '../wire/request-layouts.js'
import type { FetchedRequest } from './fetched-request.js'

/** What a guest may do with the disk, from the backend's own side only. */
export interface Disk {
  /** In units of 512 bytes. */
  readonly sectors: number
  /** Logical sector size, in units of 512 bytes. */
  readonly sectorsPerBlock: number
  readonly readOnly: boolean
}

/** Flushes and barriers: ordered after the changes that came before them. */
export const isFence = (operation: number): boolean =>
  operation === BlkifOp.FlushDiskcache || operation === BlkifOp.WriteBarrier

/**
 * Judges a private copy by rules 16 to 20, and fills in what serving it needs: `position`, `byteLength`, `refs`.
 * @returns Okay if it is to be carried out, else the status to answer
 */
export const judgeRequest = (request: FetchedRequest, abi: BlkifAbi, disk: Disk): BlkifStatus => {
  const { operation, segmentCount } = request
  request.refs.length = 0
  request.byteLength = 0
  if (operation > BlkifOp.FlushDiskcache) return BlkifStatus.NotSupported
  if (segmentCount === 0) return isFence(operation) ? BlkifStatus.Okay : BlkifStatus.Error
  if (segmentCount > MAX_SEGMENTS) return BlkifStatus.Error
  if (disk.readOnly && operation !== BlkifOp.Read) return BlkifStatus.Error

  const sectors = judgeSegments(request, abi)
  const sectorNumber = abi.request.at.sector_number.getNumber(request.words, 0)
  // No overflow: a sector number that is no safe integer reads as Infinity, and the sum of two safe numbers is exact
  // enough to be beyond any disk.
  if (sectors < 0 || sectorNumber + sectors > disk.sectors) return BlkifStatus.Error
  if (sectorNumber % disk.sectorsPerBlock !== 0 || sectors % disk.sectorsPerBlock !== 0) return BlkifStatus.Error
  request.position = sectorNumber * SECTOR_BYTES
  request.byteLength = sectors * SECTOR_BYTES
  return BlkifStatus.Okay
}

/** @returns sectors in all segments together, or −1 if one is no piece of a page (rule 18) */
const judgeSegments = (request: FetchedRequest, abi: BlkifAbi): number => {
  let sectors = 0
  for (let i = 0; i < request.segmentCount; i++) {
    const word = abi.request.at.seg.wordOf(i)
    const first = segmentLayout.at.first_sect.get(request.words, word)
    const last = segmentLayout.at.last_sect.get(request.words, word)
    if (first > last || last >= SECTORS_PER_PAGE) return -1
    sectors += last - first + 1
    request.refs.push(segmentLayout.at.gref.get(request.words, word) as GrantRef)
  }
  return sectors
}
