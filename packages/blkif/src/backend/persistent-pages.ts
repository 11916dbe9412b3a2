import type { GrantRef } from '@split-driver/abi'
import type { GrantAccess, Mapping } from '@split-driver/grant'
import { GuestPage, type GuestPages, type GuestPagesOptions, type PageHold } from './guest-pages.js'

export interface PersistentPagesOptions extends GuestPagesOptions {
  /** Most pages to keep mapped. */
  readonly limit: number
}

/** Pages of one ring that stay mapped, unless given: 32 requests, each with 11 data pages or 32 and a descriptor page. */
export const PERSISTENT_LIMIT = 1056

/** Of the limit, what is let go at once when room is needed: else a full pool would unmap for each request. */
const EVICTED_SHARE = 0.05

/** Mapped by one call, so they can only be unmapped together (rule 73). */
interface Batch {
  readonly mapping: Mapping
  readonly pages: KeptPage[]
  /** Pages that requests hold, counted once for each time. */
  users: number
  /** When a request last held one of them: a count of holds, not a time. */
  lastHold: number
  /** Stays mapped when nobody holds it. */
  kept: boolean
  /** Was held since the last `sweep`. */
  fresh: boolean
}

class KeptPage extends GuestPage {
  readonly ref: GrantRef
  readonly batch: Batch

  constructor(ref: GrantRef, batch: Batch, index: number) {
    super(batch.mapping.page(index), 'writable')
    this.ref = ref
    this.batch = batch
  }
}

/**
 * Keeps the pages of a frontend mapped that names the same ones again and again; always writable, for one page serves
 * reads and writes (rules 21 and 22). What has been unused longest goes first; where there is no room even so, a request's
 * pages are mapped for it alone.
 */
export class PersistentPages implements GuestPages {
  readonly #options: PersistentPagesOptions
  readonly #pages = new Map<GrantRef, KeptPage>()
  readonly #batches = new Set<Batch>()
  readonly #missing: GrantRef[] = []
  #keptCount = 0
  #holds = 0

  constructor(options: PersistentPagesOptions) {
    this.#options = options
  }

  /** Pages that stay mapped now. */
  get keptCount(): number {
    return this.#keptCount
  }

  hold(refs: readonly GrantRef[], _access: GrantAccess, hold: PageHold): void {
    const missing = this.#missing
    missing.length = 0
    for (let i = 0; i < refs.length; i++) if (!this.#pages.has(refs[i]!)) missing.push(refs[i]!)
    this.#options.stats.grantsReused += refs.length - missing.length
    this.#holds++
    // Held before room is made for the others, so that they stay.
    for (let i = 0; i < refs.length; i++) this.#use(this.#pages.get(refs[i]!))
    const added = missing.length === 0 ? undefined : this.#map(refs)
    let next = 0
    for (let i = 0; i < refs.length; i++) {
      const page = this.#pages.get(refs[i]!)
      // One of those that are mapped for this request alone, or the first of two that are the same.
      const own = page === undefined || page.batch === added ? added!.pages[next++]! : page
      hold.pages.push(own)
      if (own.batch === added) this.#use(own)
    }
  }

  release({ pages }: PageHold): void {
    for (let i = 0; i < pages.length; i++) {
      const { batch } = pages[i] as KeptPage
      batch.users--
      if (batch.users === 0 && !batch.kept) this.#end(batch)
    }
    pages.length = 0
  }

  /** Lets go of what no request has held since the last call. @returns whether anything is kept still */
  sweep(): boolean {
    for (const batch of this.#batches) {
      if (!batch.fresh && batch.users === 0) this.#forget(batch)
      batch.fresh = false
    }
    return this.#keptCount > 0
  }

  close(): void {
    for (const batch of this.#batches) this.#forget(batch)
  }

  #use(page: KeptPage | undefined): void {
    if (page === undefined) return
    page.batch.users++
    page.batch.lastHold = this.#holds
    page.batch.fresh = true
  }

  /** Maps those that are missing with one call. Those that are there are held already, and let go again if it fails. */
  #map(refs: readonly GrantRef[]): Batch {
    const { mapper, remoteDomid, stats } = this.#options
    const missing = this.#missing
    try {
      const kept = this.#makeRoom(missing.length)
      const mapping = mapper.map(remoteDomid, missing, 'writable')
      stats.grantsMapped += missing.length
      const batch: Batch = { mapping, pages: [], users: 0, lastHold: this.#holds, kept, fresh: true }
      for (let i = 0; i < missing.length; i++) batch.pages.push(new KeptPage(missing[i]!, batch, i))
      if (kept) this.#keep(batch)
      return batch
    } catch (error) {
      for (let i = 0; i < refs.length; i++) {
        const batch = this.#pages.get(refs[i]!)?.batch
        if (batch !== undefined) batch.users--
      }
      throw error
    }
  }

  #keep(batch: Batch): void {
    this.#batches.add(batch)
    this.#keptCount += batch.pages.length
    for (const page of batch.pages) this.#pages.set(page.ref, page)
  }

  /** @returns whether `count` pages more can be kept */
  #makeRoom(count: number): boolean {
    const { limit } = this.#options
    if (count > limit) return false
    if (this.#keptCount + count <= limit) return true
    const target = limit - Math.max(count, Math.ceil(limit * EVICTED_SHARE))
    const oldest = [...this.#batches].filter(({ users }) => users === 0).sort((a, b) => a.lastHold - b.lastHold)
    for (const batch of oldest) if (this.#keptCount > target) this.#forget(batch)
    return this.#keptCount + count <= limit
  }

  #forget(batch: Batch): void {
    this.#batches.delete(batch)
    this.#keptCount -= batch.pages.length
    batch.kept = false
    for (const page of batch.pages) if (this.#pages.get(page.ref) === page) this.#pages.delete(page.ref)
    this.#end(batch)
  }

  #end({ mapping }: Batch): void {
    this.#options.mapper.unmap(mapping)
  }
}
