import { array, i16, struct, u16, u32, u64 } from '@split-driver/abi'
import { ioctlNumber } from './ioctl-number.js'

/** What /dev/xen/gntdev is asked. @see xen/sys/gntdev.h */

export const grantRefEntry = struct('ioctl_gntdev_grant_ref', 8, { domid: u32(0), ref: u32(4) })

/** Ends in an array of `count` references; C declares one. */
export const mapGrantRef = struct('ioctl_gntdev_map_grant_ref', 24, {
  count: u32(0),
  pad: u32(4),
  /** Answer: where to mmap, in bytes. */
  index: u64(8),
  refs: array(16, 1, grantRefEntry),
})

export const unmapGrantRef = struct('ioctl_gntdev_unmap_grant_ref', 16, { index: u64(0), count: u32(8), pad: u32(12) })

/** The same struct on gntalloc, under its own name. */
export const unmapNotify = struct('ioctl_gntdev_unmap_notify', 16, {
  /** Byte of the node's file: the mapping's index and the byte within the mapping. */
  index: u64(0),
  action: u32(8),
  eventChannelPort: u32(12),
})

/** Bits of `unmapNotify.action`. @see xen/sys/gntdev.h UNMAP_NOTIFY_* */
export const UnmapNotifyAction = { clearByte: 1, sendEvent: 2 } as const

/**
 * One copy; `source` and `dest` are unions of a pointer and, where `flags` says so, of `foreign`. Declared as the latter:
 * `virt` is the same eight bytes.
 */
export const grantCopySegment = struct('ioctl_gntdev_grant_copy_segment', 24, {
  sourceRef: u32(0),
  sourceOffset: u16(4),
  sourceDomid: u16(6),
  destRef: u32(8),
  destOffset: u16(12),
  destDomid: u16(14),
  len: u16(16),
  flags: u16(18),
  /** Answer: a GNTST_* status. */
  status: i16(20),
})

/** The two unions as the pointers to our own memory that they may be. */
export const grantCopyVirt = { source: u64(0), dest: u64(8) } as const

/** Bits of `grantCopySegment.flags`. @see grant_table.h GNTCOPY_source_gref, GNTCOPY_dest_gref */
export const GrantCopyFlag = { sourceGref: 1, destGref: 2 } as const

export const grantCopy = struct('ioctl_gntdev_grant_copy', 16, { count: u32(0), segments: u64(8) })

export const GntdevRequest = {
  MapGrantRef: ioctlNumber('G', 0, mapGrantRef.bytes),
  UnmapGrantRef: ioctlNumber('G', 1, unmapGrantRef.bytes),
  SetUnmapNotify: ioctlNumber('G', 7, unmapNotify.bytes),
  GrantCopy: ioctlNumber('G', 8, grantCopy.bytes),
} as const
