import type { Domid, GrantRef, SharedMemory } from '@split-driver/abi'
import type { GrantAccess } from './grant-sharer.js'

/** A peer's pages in our reach, until `unmap`. */
export interface Mapping {
  readonly remoteDomid: Domid
  readonly access: GrantAccess
  readonly refs: readonly GrantRef[]
  /** All the pages one after the other. */
  readonly memory: SharedMemory
  /** One page of it. */
  page(index: number): SharedMemory
}

/** One end of a copy: bytes of a peer's granted page, or memory of our own. */
export interface GrantCopyEnd {
  readonly ref: GrantRef
  /** Bytes from the start of that page. */
  readonly offset: number
}

/** Reaches pages that a peer granted to us. Shaped after /dev/xen/gntdev. */
export interface GrantMapper {
  /**
   * Maps all of `refs`, or none.
   * @throws XenError GNTST_* of the first reference that failed, `detail.index` its place; no mapping is left then
   */
  map(remoteDomid: Domid, refs: readonly GrantRef[], access: GrantAccess): Mapping

  /** Ends a mapping; its memory must not be touched again. @throws XenError GNTST_bad_handle if it has ended already */
  unmap(mapping: Mapping): void

  /**
   * Copies bytes out of a granted page, without mapping it.
   * @throws XenError GNTST_*; GNTST_bad_copy_arg if it would cross the page's end (rule 71)
   */
  copyFrom(remoteDomid: Domid, source: GrantCopyEnd, target: Uint8Array): void

  /** Copies bytes into a granted page, without mapping it. @throws as `copyFrom` */
  copyTo(remoteDomid: Domid, source: Uint8Array, target: GrantCopyEnd): void
}
