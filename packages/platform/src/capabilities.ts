/** What a world can do; a suite asks here before it tries, and reports what it did not run. */
export interface Capabilities {
  /** `GrantMapper.copyFrom` and `copyTo`. */
  readonly grantCopy: boolean
  /** Touching memory after unmap, or writing through a read-only mapping, is an error that can be caught. */
  readonly checkedMemory: boolean
  /** `GrantSharer.unshare` and `reclaim` can tell how many pages the peer still holds. */
  readonly heldPageCount: boolean
  /** Every platform is a domain of its own, with its own domid, rights and death; else several are in truth one's. */
  readonly separateDomains: boolean
  /** Domains run in parallel with this one. */
  readonly parallel: boolean
  /** `bindVirq` and `bindIpi`. */
  readonly virq: boolean
  readonly ipi: boolean
  /** `mapper` is an `UnmapNotifier<Mapping>`, and `sharer` an `UnmapNotifier<SharedPages>`. */
  readonly unmapNotify: boolean
  /** Time passes as fast as the work allows: an hour of the clock costs no hour. */
  readonly virtualTime: boolean
  /** What goes wrong, and when, can be planned. */
  readonly faults: boolean
}
