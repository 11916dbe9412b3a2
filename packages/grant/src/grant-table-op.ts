import type { Domid, FrameNumber, GrantRef, SharedMemory } from '@split-driver/abi'
import type { GrantStatus } from './grant-status.js'

/** How a grant is to be mapped. @see grant_table.h GNTMAP_* */
export const GrantMapFlag = {
  /** For devices, by its bus address. */
  deviceMap: 1 << 0,
  /** For the caller's own code, at `hostAddr`. */
  hostMap: 1 << 1,
  readonly: 1 << 2,
  /** Of a host mapping: for user code, too. */
  applicationMap: 1 << 3,
  /** Of a host mapping: `hostAddr` is that of a page-table entry. */
  containsPte: 1 << 4,
} as const

/** Which end of a copy is a grant reference, and not a frame of the caller's own. @see grant_table.h GNTCOPY_* */
export const GrantCopyFlag = { sourceGref: 1 << 0, destGref: 1 << 1 } as const

/** What to do with the cache. @see grant_table.h GNTTAB_CACHE_* */
export const GrantCacheFlag = { clean: 1 << 0, inval: 1 << 1, sourceGref: 0x8000_0000 } as const

/** Names a mapping to the hypervisor. @see grant_table.h grant_handle_t */
export type GrantHandle = number

/** @see grant_table.h gnttab_map_grant_ref */
export interface MapGrantRef {
  /** Where the caller will see the page, in bytes; 0 for a device mapping alone. */
  readonly hostAddr: number
  /** GrantMapFlag bits, `deviceMap` or `hostMap` at least. */
  readonly flags: number
  readonly ref: GrantRef
  /** The granting domain; not DOMID_SELF. */
  readonly dom: Domid
}

/** `handle` and `devBusAddr` mean something only where `status` is GNTST_okay. */
export interface MappedGrantRef {
  readonly status: GrantStatus
  readonly handle: GrantHandle
  /** The page's address for devices, in bytes: its frame number times 4096. */
  readonly devBusAddr: number
}

/** @see grant_table.h gnttab_unmap_grant_ref */
export interface UnmapGrantRef {
  /** 0: the host mapping stays. Otherwise where it was mapped. */
  readonly hostAddr: number
  /** 0: the device mapping stays. Otherwise what the mapping was told. */
  readonly devBusAddr: number
  readonly handle: GrantHandle
}

/** @see grant_table.h gnttab_unmap_and_replace */
export interface UnmapAndReplace {
  readonly hostAddr: number
  /** The mapping at this address moves to `hostAddr`. */
  readonly newAddr: number
  readonly handle: GrantHandle
}

/** @see grant_table.h gnttab_setup_table, gnttab_get_status_frames */
export interface GrantFramesRequest {
  /** Whose table: DOMID_SELF, or with privilege another's. */
  readonly dom: Domid
  readonly nrFrames: number
}

export interface GrantFramesAnswer {
  readonly status: GrantStatus
  /** `nrFrames` of them, or none where `status` is an error. */
  readonly frameList: readonly FrameNumber[]
}

/** @see grant_table.h gnttab_query_size */
export interface GrantTableSize {
  readonly status: GrantStatus
  readonly nrFrames: number
  readonly maxNrFrames: number
}

/** @see grant_table.h gnttab_transfer */
export interface TransferFrame {
  /** A frame of the caller's. */
  readonly mfn: FrameNumber
  readonly domid: Domid
  readonly ref: GrantRef
}

/** One end of a copy. @see grant_table.h gnttab_copy_ptr */
export interface GrantCopyPointer {
  /** A grant reference or a frame number, as the copy's flags say. */
  readonly at: GrantRef | FrameNumber
  /** Whose: of a frame, DOMID_SELF. */
  readonly domid: Domid
  /** Bytes from the start of the page. */
  readonly offset: number
}

/** @see grant_table.h gnttab_copy */
export interface GrantCopy {
  readonly source: GrantCopyPointer
  readonly dest: GrantCopyPointer
  /** Bytes. */
  readonly len: number
  /** GrantCopyFlag bits. */
  readonly flags: number
}

/** @see grant_table.h gnttab_swap_grant_ref */
export interface SwapGrantRef {
  readonly refA: GrantRef
  readonly refB: GrantRef
}

/** @see grant_table.h gnttab_cache_flush */
export interface CacheFlush {
  readonly devBusAddr: number
  /** Bytes from the start of the page. */
  readonly offset: number
  /** Bytes. */
  readonly length: number
  /** GrantCacheFlag bits. */
  readonly op: number
}

/**
 * The grant-table hypercalls as a guest's kernel makes them, for whoever brings a grant table of his own. Lists are
 * answered entry by entry: one that fails stops none of the others, and each has its status.
 * @see xen/include/public/grant_table.h GNTTABOP_*
 */
export interface GrantTableOp {
  mapGrantRef(ops: readonly MapGrantRef[]): MappedGrantRef[]
  /** Host and device mapping of a handle can be unmapped one after the other; with the last of them the handle is free. */
  unmapGrantRef(ops: readonly UnmapGrantRef[]): GrantStatus[]
  unmapAndReplace(ops: readonly UnmapAndReplace[]): GrantStatus[]
  /** The pages of a table, which grows if it has fewer. */
  setupTable(op: GrantFramesRequest): GrantFramesAnswer
  transfer(ops: readonly TransferFrame[]): GrantStatus[]
  copy(ops: readonly GrantCopy[]): GrantStatus[]
  querySize(dom: Domid): GrantTableSize
  /**
   * Changes the form of the caller's own table; all but the first 8 entries are free then.
   * @throws XenError EINVAL for another version; EBUSY while other entries are in use; ERANGE if one of the first 8 has no
   * form in version 1; ENOMEM
   */
  setVersion(version: number): void
  /** @throws XenError ESRCH; EPERM for another domain's without privilege */
  getVersion(dom: Domid): 1 | 2
  /** The status pages of a version 2 table; `setupTable` makes them. */
  getStatusFrames(op: GrantFramesRequest): GrantFramesAnswer
  /** Exchanges two entries of the caller's table. */
  swapGrantRef(ops: readonly SwapGrantRef[]): GrantStatus[]
  /** @throws XenError EINVAL EPERM EOPNOTSUPP for the first that failed; those before it are done */
  cacheFlush(ops: readonly CacheFlush[]): void
  /**
   * A page of the caller's own table or of its statuses, to be read and written.
   * @throws RangeError for any other frame
   */
  page(frame: FrameNumber): SharedMemory
}
