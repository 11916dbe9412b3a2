import { type Domid, XenError } from '@split-driver/abi'
import type { GrantSharer, SharedPages } from '@split-driver/grant'
import { MAX_SEGMENTS } from '../wire/operations.js'

/**
 * Pages through which data passes: for each request that can be outstanding, as many as it can name, side by side, so
 * that a request is one copy here and one transfer at the disk. They are granted when they are first needed, writable,
 * and stay granted: the backend maps them anew for each request, or keeps them, as it likes (rule 22).
 */
export class DataPages {
  readonly #sharer: GrantSharer
  readonly #backendDomid: Domid
  readonly #limit: number
  readonly #pages: (SharedPages | undefined)[] = []
  /** No more could be had; serve with those that there are. */
  #exhausted = false

  /** @param limit most pages to grant at a time; at least those of one request */
  constructor(sharer: GrantSharer, backendDomid: Domid, limit: number) {
    this.#sharer = sharer
    this.#backendDomid = backendDomid
    this.#limit = Math.floor(limit / MAX_SEGMENTS)
  }

  /**
   * The pages of request `index`.
   * @returns undefined if there are none to be had until another request is done
   * @throws XenError ENOSPC if there is not one request's worth of pages
   */
  of(index: number): SharedPages | undefined {
    const pages = this.#pages[index]
    if (pages !== undefined || this.#exhausted || this.#pages.length >= this.#limit) return pages
    try {
      this.#pages[index] = this.#sharer.share(this.#backendDomid, MAX_SEGMENTS, 'writable')
    } catch (error) {
      if (!XenError.is(error, 'ENOSPC') || this.#pages.length === 0) throw error
      this.#exhausted = true
    }
    return this.#pages[index]
  }

  /** Ends the grants; what the backend still has mapped is set aside and never reused before it lets go. */
  unshare(): void {
    for (const pages of this.#pages) if (pages !== undefined) this.#sharer.unshare(pages)
    this.#pages.length = 0
  }
}
