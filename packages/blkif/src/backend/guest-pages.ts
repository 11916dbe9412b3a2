import type { Domid, GrantRef, SharedMemory } from '@split-driver/abi'
import { PAGE_BYTES } from '@split-driver/abi'
import type { GrantAccess, GrantMapper, Mapping } from '@split-driver/grant'

/** One page of a guest's in our reach. */
export class GuestPage {
  readonly memory: SharedMemory
  readonly #access: GrantAccess
  /** The whole page; made when it is first asked for, since whole pages are the usual case. */
  #whole: Uint8Array | undefined

  constructor(memory: SharedMemory, access: GrantAccess) {
    this.memory = memory
    this.#access = access
  }

  /** Its bytes, to be written to if the page was mapped for that. */
  bytes(offset: number, length: number): Uint8Array {
    if (length !== PAGE_BYTES) return this.#view(offset, length)
    this.#whole ??= this.#view(0, PAGE_BYTES)
    return this.#whole
  }

  #view(offset: number, length: number): Uint8Array {
    return this.#access === 'writable' ? this.memory.mutableBytes(offset, length) : this.memory.bytes(offset, length)
  }
}

/** The pages that one request names, in its order. Used again and again, so that a request makes no object. */
export interface PageHold {
  readonly pages: GuestPage[]
  /** What ends with the hold. */
  mapping: Mapping | undefined
}

export const emptyHold = (): PageHold => ({ pages: [], mapping: undefined })

/** How the pages of a guest come into our reach, and leave it. */
export interface GuestPages {
  /**
   * Brings all of `refs` into reach, or none.
   * @param hold empty; holds them until `release`
   * @throws XenError GNTST_* of one that cannot be had
   */
  hold(refs: readonly GrantRef[], access: GrantAccess, hold: PageHold): void
  /** Ends a hold; one that is empty stays so. */
  release(hold: PageHold): void
  /** What was kept although no request holds it is let go. No request may hold anything any more. */
  close(): void
}

/** What both kinds count, and for whom they work. */
export interface GuestPagesOptions {
  readonly mapper: GrantMapper
  /** Whose pages they are. */
  readonly remoteDomid: Domid
  /** Counted up. */
  readonly stats: { grantsMapped: number; grantsReused: number }
}

/** Maps the pages of each request for as long as it takes (rule 23). */
export class TransientPages implements GuestPages {
  readonly #options: GuestPagesOptions

  constructor(options: GuestPagesOptions) {
    this.#options = options
  }

  hold(refs: readonly GrantRef[], access: GrantAccess, hold: PageHold): void {
    const { mapper, remoteDomid, stats } = this.#options
    const mapping = mapper.map(remoteDomid, refs, access)
    hold.mapping = mapping
    stats.grantsMapped += refs.length
    for (let i = 0; i < refs.length; i++) hold.pages.push(new GuestPage(mapping.page(i), access))
  }

  release(hold: PageHold): void {
    const { mapping } = hold
    hold.pages.length = 0
    hold.mapping = undefined
    if (mapping !== undefined) this.#options.mapper.unmap(mapping)
  }

  close(): void {}
}
