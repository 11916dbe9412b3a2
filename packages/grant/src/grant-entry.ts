import { struct, u16, u32 } from '@split-driver/abi'

/** One entry of a version 1 grant table. @see xen/include/public/grant_table.h grant_entry_v1 */
export const GrantEntryV1 = struct('grant_entry_v1', 8, {
  flags: u16(0),
  domid: u16(2),
  frame: u32(4),
})

/** Entries of a page of a version 1 table. */
export const GRANT_ENTRIES_PER_FRAME = 512

/** First entries, kept for the toolstack. @see grant_table.h GNTTAB_NR_RESERVED_ENTRIES */
export const GRANT_RESERVED_ENTRIES = 8

/** @see grant_table.h GNTTAB_RESERVED_CONSOLE */
export const GRANT_RESERVED_CONSOLE = 0

/** @see grant_table.h GNTTAB_RESERVED_XENSTORE */
export const GRANT_RESERVED_XENSTORE = 1

/** Bits of an entry's `flags`. @see grant_table.h GTF_* */
export const GrantFlag = {
  invalid: 0,
  permitAccess: 1,
  acceptTransfer: 2,
  transitive: 3,
  typeMask: 3,
  /** Only read-only mappings and accesses. Written by the guest, like the type. */
  readonly: 1 << 2,
  /** The entry is in use for reading. Written by Xen. */
  reading: 1 << 3,
  /** The entry is in use for writing. Written by Xen. */
  writing: 1 << 4,
  pwt: 1 << 5,
  pcd: 1 << 6,
  pat: 1 << 7,
  subPage: 1 << 8,
} as const
