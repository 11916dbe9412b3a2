/** @see xen/include/public/io/blkif.h BLKIF_OP_* */
export const BlkifOp = {
  Read: 0,
  Write: 1,
  WriteBarrier: 2,
  FlushDiskcache: 3,
  Reserved1: 4,
  Discard: 5,
  Indirect: 6,
} as const

export type BlkifOp = (typeof BlkifOp)[keyof typeof BlkifOp]

/** @see blkif.h BLKIF_RSP_* */
export const BlkifStatus = {
  Okay: 0,
  /** Failed for a reason that the protocol cannot tell. */
  Error: -1,
  /** The backend does not do this operation; may come at any time, whatever was advertised. */
  NotSupported: -2,
} as const

export type BlkifStatus = (typeof BlkifStatus)[keyof typeof BlkifStatus]

/** Bits of the backend's `info` key. @see blkif.h VDISK_* */
export const Vdisk = {
  Cdrom: 1,
  Removable: 2,
  ReadOnly: 4,
} as const

/** Bit of a discard's flag byte; ignored unless `discard-secure` is 1. @see blkif.h BLKIF_DISCARD_SECURE */
export const DISCARD_SECURE = 1

/** Most segments in a direct request. @see blkif.h BLKIF_MAX_SEGMENTS_PER_REQUEST */
export const MAX_SEGMENTS = 11

/** Segments that one descriptor page of an indirect request holds. */
export const SEGMENTS_PER_INDIRECT_PAGE = 512

/** Most descriptor pages of an indirect request. @see blkif.h BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST */
export const MAX_INDIRECT_PAGES = 8

/** Sectors of 512 bytes in one page: `first_sect` and `last_sect` are below this. */
export const SECTORS_PER_PAGE = 8

/** Descriptor pages that an indirect request of as many segments takes. */
export const indirectPagesFor = (segments: number): number => Math.ceil(segments / SEGMENTS_PER_INDIRECT_PAGE)

/** Most segments of an indirect request. */
export const MAX_INDIRECT_SEGMENTS = MAX_INDIRECT_PAGES * SEGMENTS_PER_INDIRECT_PAGE
