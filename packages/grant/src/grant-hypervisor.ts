import type { Domid, FrameNumber, SharedMemory } from '@split-driver/abi'
import { GrantEntryV1, GrantFlag } from './grant-entry.js'
import type { GrantAccess } from './grant-sharer.js'
import { GrantStatus } from './grant-status.js'

/**
 * The hypervisor's half of the version 1 ABI: how an entry is pinned while it is mapped or copied from. The guest may
 * rewrite the entry at any moment, so flags and domid are judged together, in the word that is exchanged.
 */

/** How often the guest may change an entry under our hands before we give up (hostile row G5). */
const MAX_RETRIES = 4

export interface PinRequest {
  /** Who wants access. */
  readonly domid: Domid
  readonly access: GrantAccess
  /** A sub-page grant can be copied from, not mapped. */
  readonly purpose: 'map' | 'copy'
  /** The entry is in use already, and by this very domid: its type and domid were judged then. */
  readonly alreadyPinned: boolean
}

/**
 * Marks an entry as in use: READING, and WRITING too for a writable access (rule 70).
 * @param table memory that holds the entry
 * @param index the entry's place in it; a guest's grant reference if `table` is the whole grant table
 * @returns a GNTST_* status
 */
export const pinEntry = (table: SharedMemory, index: number, request: PinRequest): GrantStatus => {
  const word = index * GrantEntryV1.words
  let seen = table.loadOrdered(word)
  for (let retry = 0; retry <= MAX_RETRIES; retry++) {
    if (!request.alreadyPinned && !permits(seen, request)) return GrantStatus.GNTST_general_error
    if (request.access === 'writable' && seen & GrantFlag.readonly) return GrantStatus.GNTST_general_error
    const wanted = request.access === 'writable' ? GrantFlag.reading | GrantFlag.writing : GrantFlag.reading
    const found = table.compareExchange(word, seen, seen | wanted)
    if (found === seen) return GrantStatus.GNTST_okay
    seen = found
  }
  return GrantStatus.GNTST_general_error
}

/** The first word of an entry holds the flags below and the domid above. */
const permits = (word: number, request: PinRequest): boolean => {
  const mask = GrantFlag.typeMask | (request.purpose === 'map' ? GrantFlag.subPage : 0)
  return (word & mask) === GrantFlag.permitAccess && word >>> 16 === request.domid
}

/** Which frame a pinned entry grants. Fetched once; the hypervisor keeps the answer as long as the entry is pinned. */
export const pinnedFrame = (table: SharedMemory, index: number): FrameNumber =>
  (table.loadOrdered(index * GrantEntryV1.words + GrantEntryV1.at.frame.word) >>> 0) as FrameNumber

/**
 * Takes marks off an entry.
 * @param released GrantFlag.writing when its last writer let go; that and GrantFlag.reading when its last user did
 */
export const unpinEntry = (table: SharedMemory, index: number, released: number): void => {
  table.and(index * GrantEntryV1.words, ~(released & (GrantFlag.reading | GrantFlag.writing)))
}
