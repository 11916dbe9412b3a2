import type { Field, Field64 } from '@split-driver/abi'

/** Where a request or a response has the fields that every protocol has in some form; all in private words. */
export interface SlotLayout {
  readonly at: {
    readonly id: Field<number> | Field64
    readonly operation?: Field<number>
    readonly status?: Field<number>
  }
}

/** How a device's ring is laid out in one frontend ABI; blkif's `BlkifAbi` is such a thing. */
export interface SlotLayouts {
  /** The larger of request and response. */
  readonly slotBytes: number
  readonly request: SlotLayout
  readonly response: SlotLayout
}

/**
 * The layout by the frontend's `protocol` key, `undefined` where it has none; blkif's `abiOf` is such a function.
 * @returns undefined for a protocol that is not known: its ids are not read then
 */
export type SlotLayoutsOf = (protocol: string | undefined) => SlotLayouts | undefined
