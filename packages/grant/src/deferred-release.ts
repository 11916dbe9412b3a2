import type { GrantRef } from '@split-driver/abi'
import type { GrantTable } from './grant-table.js'

interface HeldRef {
  readonly ref: GrantRef
  readonly whenFree: (ref: GrantRef) => void
}

/**
 * References whose peer has not let go yet. Neither they nor their pages are reused before it has (rule 69, hostile row
 * B8): what frees them is called only once access has ended.
 */
export class DeferredRelease {
  readonly #table: Pick<GrantTable, 'endAccess'>
  #held: HeldRef[] = []

  constructor(table: Pick<GrantTable, 'endAccess'>) {
    this.#table = table
  }

  /** How many references wait. */
  get size(): number {
    return this.#held.length
  }

  /**
   * Ends access to `ref` now, or sets it aside for `reclaim`.
   * @param whenFree gives back the reference and its page; called once, now or later; must not throw
   * @returns whether it is free already
   */
  release(ref: GrantRef, whenFree: (ref: GrantRef) => void): boolean {
    if (this.#table.endAccess(ref)) {
      whenFree(ref)
      return true
    }
    this.#held.push({ ref, whenFree })
    return false
  }

  /** Looks once at each reference that was set aside. @returns how many are still held */
  reclaim(): number {
    const looked = this.#held
    this.#held = []
    for (const { ref, whenFree } of looked) this.release(ref, whenFree)
    return this.#held.length
  }
}
