import { type Domid, XenError } from '@split-driver/abi'
import type { GrantSharer, SharedPages } from '@split-driver/grant'
import { MAX_SEGMENTS } from '../wire/operations.js'
import { type DataPage, dataPages } from './data-page.js'

/** Pages that are shared together when more are needed. */
const BATCH = MAX_SEGMENTS

/**
 * Pages through which data passes. They are granted when they are first needed, writable, and stay granted: the backend
 * maps them anew for each request, or keeps them, as it likes. What was used last is used first, and in the same order:
 * it is the likeliest to be known to the backend, and neighbours stay neighbours (rule 22).
 */
export class PagePool {
  readonly #sharer: GrantSharer
  readonly #backendDomid: Domid
  readonly #shared: SharedPages[] = []
  /** The next to be taken is the last. */
  readonly #free: DataPage[] = []
  #limit: number
  #granted = 0

  /** @param limit most pages to grant at a time */
  constructor(sharer: GrantSharer, backendDomid: Domid, limit: number) {
    this.#sharer = sharer
    this.#backendDomid = backendDomid
    this.#limit = limit
  }

  /** Most pages that can be taken at a time: what was allowed, or fewer once no more were to be had. */
  get limit(): number {
    return this.#limit
  }

  /**
   * Appends `count` pages to `taken`.
   * @returns false if they are not to be had: until some come back, or never if `count` is now above `limit`
   */
  take(count: number, taken: DataPage[]): boolean {
    while (this.#free.length < count) if (!this.#grow(count - this.#free.length)) return false
    for (let i = 0; i < count; i++) taken.push(this.#free.pop()!)
    return true
  }

  /** Takes all of `taken` back, and empties it. */
  giveBack(taken: DataPage[]): void {
    while (taken.length > 0) this.#free.push(taken.pop()!)
  }

  /** Ends the grants; what the backend still has mapped is set aside and never reused before it lets go. */
  unshare(): void {
    for (const pages of this.#shared) this.#sharer.unshare(pages)
    this.#shared.length = 0
    this.#free.length = 0
  }

  /** @returns false if not even one more page may be or can be granted, or as many as are missing may not */
  #grow(missing: number): boolean {
    const room = this.#limit - this.#granted
    if (missing > room) return false
    for (let count = Math.min(BATCH, room); count >= 1; count = Math.floor(count / 2))
      if (this.#share(count)) return true
    this.#limit = this.#granted
    return false
  }

  /** @returns false if there are not as many */
  #share(count: number): boolean {
    try {
      const shared = this.#sharer.share(this.#backendDomid, count, 'writable')
      this.#shared.push(shared)
      this.#granted += count
      this.#free.unshift(...dataPages(shared).reverse())
      return true
    } catch (error) {
      if (XenError.is(error, 'ENOSPC')) return false
      throw error
    }
  }
}
