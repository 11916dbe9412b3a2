import type { Port } from '@split-driver/abi'

/** What the kernel does in our place when pages are let go, however that comes about: also when this process dies. */
export interface UnmapNotice {
  /** Is set to 0. Bytes from the start of the pages; they must be writable for us. */
  readonly clearByte?: number
  /** One of our ports that is notified. */
  readonly port?: Port
}

/**
 * Tells the peer that pages are let go: how a peer learns of a crash. Shaped after SET_UNMAP_NOTIFY of /dev/xen/gntdev and
 * gntalloc. @see xen/sys/gntdev.h
 */
export interface UnmapNotifier<Pages> {
  /**
   * Replaces what was asked for `pages` before; an empty notice asks for nothing.
   * @throws XenError EINVAL if the port is not ours or the pages are read-only; RangeError if the byte lies outside
   */
  notifyOnUnmap(pages: Pages, notice: UnmapNotice): void
}
