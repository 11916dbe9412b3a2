/** What a world can do; a suite asks here before it tries, and reports what it did not run. */
export interface Capabilities {
  /** `GrantMapper.copyFrom` and `copyTo`. */
  readonly grantCopy: boolean
  /** Touching memory after unmap, or writing through a read-only mapping, is an error that can be caught. */
  readonly checkedMemory: boolean
  /** Domains run in parallel with this one. */
  readonly parallel: boolean
  /** `bindVirq` and `bindIpi`. */
  readonly virq: boolean
  readonly ipi: boolean
}
