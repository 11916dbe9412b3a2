import type { Domid, FrameNumber, GrantRef } from '@split-driver/abi'
import type { GrantTableOp } from '@split-driver/grant'

/** How often a grant is in use, by kind. */
export interface GrantUseCounts {
  readonly hostWriters: number
  readonly hostReaders: number
  readonly deviceWriters: number
  readonly deviceReaders: number
}

/** A domain of the machine under test. */
export interface GrantParty {
  readonly domid: Domid
  readonly isPrivileged: boolean
  readonly op: GrantTableOp
  /** Pages of its own that nothing else uses. */
  readonly frames: readonly FrameNumber[]
  /** One of those pages. */
  bytes(frame: FrameNumber): Uint8Array
}

/** A hypervisor that the model is held against. The same one serves many schedules: each ends with nothing in use. */
export interface GrantsUnderTest {
  readonly parties: readonly GrantParty[]
  /** What the hypervisor says of its own tables. */
  useCounts(granter: Domid, ref: GrantRef): GrantUseCounts
  /** How many mappings the domain holds. */
  mappingCount(domid: Domid): number
}
