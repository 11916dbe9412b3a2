/** Bytes in one page; the unit of granting and mapping. */
export const PAGE_BYTES = 4096

/** 32-bit words in one page. */
export const PAGE_WORDS = PAGE_BYTES / 4

/** Bytes in one sector of every block-protocol field, whatever the disk's own sector size. */
export const SECTOR_BYTES = 512
