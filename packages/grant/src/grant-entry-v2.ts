import { nested, struct, u16, u32, u64 } from '@split-driver/abi'

/** What entries of either version begin with. @see xen/include/public/grant_table.h grant_entry_header */
export const GrantEntryHeader = struct('grant_entry_header', 4, {
  flags: u16(0),
  domid: u16(2),
})

/** A version 2 entry that grants a whole page. @see grant_table.h grant_entry_v2.full_page */
export const GrantEntryV2 = struct('grant_entry_v2_full_page', 16, {
  hdr: nested(0, GrantEntryHeader),
  frame: u64(8),
})

/** A version 2 entry that grants bytes of a page, to be copied only. @see grant_table.h grant_entry_v2.sub_page */
export const GrantEntryV2SubPage = struct('grant_entry_v2_sub_page', 16, {
  hdr: nested(0, GrantEntryHeader),
  pageOff: u16(4),
  length: u16(6),
  frame: u64(8),
})

/** A version 2 entry that passes on what another domain granted. @see grant_table.h grant_entry_v2.transitive */
export const GrantEntryV2Transitive = struct('grant_entry_v2_transitive', 12, {
  hdr: nested(0, GrantEntryHeader),
  transDomid: u16(4),
  gref: u32(8),
})

/** Entries of a page of a version 2 table. */
export const GRANT_ENTRIES_V2_PER_FRAME = 256

/** Statuses (u16 each, one an entry) of a page of a version 2 table's status frames. @see grant_table.h grant_status_t */
export const GRANT_STATUSES_PER_FRAME = 2048
