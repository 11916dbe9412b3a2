import type { SharedMemory } from '@split-driver/abi'
import { GrantFlag } from './grant-entry.js'
import { GrantEntryV2 } from './grant-entry-v2.js'
import type { PinRequest } from './grant-hypervisor.js'
import { GrantStatus } from './grant-status.js'

/**
 * The hypervisor's half of the version 2 ABI. What is in use stands in a status of its own, so no word is exchanged: the
 * status is set, and then, behind a barrier, the entry is looked at once more. The guest does the reverse when it takes
 * access back, so one of the two sees the other.
 */

/**
 * Marks an entry as in use, in its status: READING, and WRITING too for a writable access.
 * @param table memory that holds the entry, at `index`
 * @param status memory that holds its status, at `statusIndex`
 * @returns a GNTST_* status
 * @see xen/common/grant_table.c _set_status_v2
 */
export const pinEntryV2 = (
  table: SharedMemory,
  index: number,
  status: SharedMemory,
  statusIndex: number,
  request: PinRequest,
): GrantStatus => {
  const word = index * GrantEntryV2.words
  const writable = request.access === 'writable'
  if (!permits(table.loadOrdered(word), request)) return GrantStatus.GNTST_general_error
  const wanted = writable ? GrantFlag.reading | GrantFlag.writing : GrantFlag.reading
  status.or(statusIndex >> 1, wanted << shiftOf(statusIndex))
  if (permits(table.loadOrdered(word), request)) return GrantStatus.GNTST_okay
  // Whoever pinned the entry before us is reading still: only a new mark comes off.
  unpinEntryV2(status, statusIndex, request.alreadyPinned ? GrantFlag.writing : wanted)
  return GrantStatus.GNTST_general_error
}

/** The first word of an entry holds the flags below and the domid above. */
const permits = (word: number, { domid, access, purpose, alreadyPinned }: PinRequest): boolean => {
  if (access === 'writable' && word & GrantFlag.readonly) return false
  if (alreadyPinned) return true
  if (word >>> 16 !== domid) return false
  const type = word & GrantFlag.typeMask
  if (purpose === 'map') return type === GrantFlag.permitAccess && (word & GrantFlag.subPage) === 0
  return type === GrantFlag.permitAccess || type === GrantFlag.transitive
}

/** Fetches a pinned entry once, as four private words that GrantEntryV2 and its siblings judge. */
export const fetchEntryV2 = (table: SharedMemory, index: number, target: Int32Array): void => {
  table.copyOut(index * GrantEntryV2.words, GrantEntryV2.words, target, 0)
}

/**
 * Takes marks off a status.
 * @param released GrantFlag.writing when its last writer let go; that and GrantFlag.reading when its last user did
 */
export const unpinEntryV2 = (status: SharedMemory, statusIndex: number, released: number): void => {
  const bits = released & (GrantFlag.reading | GrantFlag.writing)
  if (bits !== 0) status.and(statusIndex >> 1, ~(bits << shiftOf(statusIndex)))
}

/** Two statuses share a word. */
const shiftOf = (statusIndex: number): number => (statusIndex & 1) * 16
