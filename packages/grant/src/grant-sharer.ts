import type { Domid, GrantRef, SharedMemory } from '@split-driver/abi'

/** What a peer may do with pages that are granted to it. */
export type GrantAccess = 'read-only' | 'writable'

/** Pages of our own that a peer may map. */
export interface SharedPages {
  readonly remoteDomid: Domid
  readonly access: GrantAccess
  /** One reference a page, in the order of `memory`. */
  readonly refs: readonly GrantRef[]
  /** All the pages as one contiguous range, zeroed when they were shared. */
  readonly memory: SharedMemory
}

/** Gives a peer access to pages of ours. Shaped after /dev/xen/gntalloc. */
export interface GrantSharer {
  /**
   * Allocates `pageCount` zeroed pages that lie side by side and grants each to `remoteDomid`.
   * @throws XenError ENOSPC when grant references or pages have run out; nothing is left granted then
   */
  share(remoteDomid: Domid, pageCount: number, access: GrantAccess): SharedPages

  /**
   * Ends access; `memory` must not be touched again. Pages that the peer still has mapped are set aside and freed when
   * it lets go (rule 69): they are never reused before that.
   * @returns how many pages had to be set aside; 0 in a world that cannot tell (`Capabilities.heldPageCount`)
   */
  unshare(pages: SharedPages): number

  /** Looks once more at what was set aside. @returns how many pages the peer still holds; 0 as for `unshare` */
  reclaim(): number
}
