import type { Domid, FrameNumber, GrantRef, SharedMemory } from '@split-driver/abi'
import type { GrantAccess } from './grant-sharer.js'

/** What an entry of a grant table says. */
export interface GrantEntryState {
  /** GrantFlag bits, those that Xen writes among them, wherever the table keeps them. */
  readonly flags: number
  readonly domid: Domid
  readonly frame: FrameNumber
  /** A peer has it mapped, or Xen is copying through it. */
  readonly inUse: boolean
}

/** The guest's side of a grant table, of whichever version. @see xen/include/public/grant_table.h; rules 67–69 */
export interface GrantTable {
  readonly version: 1 | 2

  /** How many entries the pages hold. */
  readonly entryCount: number

  /** The table grew by a page of 4096 bytes. */
  addFrame(frame: SharedMemory): void

  /**
   * Lets `domid` map or copy `frame`. The entry's flags come last, behind a barrier: nobody sees it half written (rule 68).
   * @throws XenError EBUSY if the entry is not free
   */
  grantAccess(ref: GrantRef, domid: Domid, frame: FrameNumber, access: GrantAccess): void

  /**
   * Takes the access back. While the entry is in use its page must not be reused (rule 69): ask again until it has ended.
   * @returns whether the access has ended
   */
  endAccess(ref: GrantRef): boolean

  query(ref: GrantRef): GrantEntryState
}
