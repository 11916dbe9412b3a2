import { struct, u16, u32, u64, words } from '@split-driver/abi'
import { unmapNotify } from './gntdev-ioctl.js'
import { ioctlNumber } from './ioctl-number.js'

/** What /dev/xen/gntalloc is asked. @see xen/sys/gntalloc.h */

/** Ends in an array of `count` references; C declares one, and its size has four bytes of padding. */
export const allocGref = struct('ioctl_gntalloc_alloc_gref', 24, {
  domid: u16(0),
  flags: u16(2),
  count: u32(4),
  /** Answer: where to mmap, in bytes. */
  index: u64(8),
  /** Answer. */
  grefIds: words(16, 1),
})

/** The peer may write. @see xen/sys/gntalloc.h GNTALLOC_FLAG_WRITABLE */
export const GNTALLOC_FLAG_WRITABLE = 1

export const deallocGref = struct('ioctl_gntalloc_dealloc_gref', 16, { index: u64(0), count: u32(8) })

export const GntallocRequest = {
  AllocGref: ioctlNumber('G', 5, allocGref.bytes),
  DeallocGref: ioctlNumber('G', 6, deallocGref.bytes),
  SetUnmapNotify: ioctlNumber('G', 7, unmapNotify.bytes),
} as const
