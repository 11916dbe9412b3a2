import { type Domid, type FrameNumber, type GrantRef, PAGE_BYTES, XenError } from '@split-driver/abi'
import {
  DeferredRelease,
  type GrantAccess,
  GrantRefPool,
  type GrantSharer,
  type SharedPages,
  type UnmapNotice,
  type UnmapNotifier,
} from '@split-driver/grant'
import type { Clock, Timer } from '@split-driver/platform'
import type { OpenGrantTable } from './guest/grant-table-opening.js'
import { FrameMemory } from './memory/frame-memory.js'
import type { MachineMemory } from './memory/machine-memory.js'
import type { PageAllocator } from './memory/page-allocator.js'
import type { UnmapNotices } from './unmap-notices.js'

/** How often to look whether a peer has let go of pages that were set aside. */
const RECLAIM_MILLISECONDS = 100

export interface SharerParts {
  readonly domid: Domid
  readonly memory: MachineMemory
  readonly grants: OpenGrantTable
  readonly pages: PageAllocator
  readonly clock: Clock
  readonly notices: UnmapNotices
}

/** Grants pages of the domain's own memory, through its grant table, which grows when it is full. */
export class EmulatedGrantSharer implements GrantSharer, UnmapNotifier<SharedPages> {
  readonly #parts: SharerParts
  readonly #refs: GrantRefPool
  readonly #deferred: DeferredRelease
  readonly #live = new Set<EmulatedSharedPages>()
  #timer: Timer | undefined
  #gone = false

  constructor(parts: SharerParts) {
    this.#parts = parts
    const { table, grow } = parts.grants
    this.#refs = new GrantRefPool(table.entryCount, grow)
    this.#deferred = new DeferredRelease(table)
  }

  share(remoteDomid: Domid, pageCount: number, access: GrantAccess): SharedPages {
    if (!Number.isInteger(pageCount) || pageCount < 1)
      throw new RangeError(`the number of pages to share must be a positive integer, not ${pageCount}`)
    this.#assertHere()
    this.reclaim()
    if (!this.#refs.reserve(pageCount))
      throw new XenError('ENOSPC', `${pageCount} grant references are wanted, ${this.#refs.available} are free`)
    const { memory, grants } = this.#parts
    const first = this.#allocate(pageCount)
    memory.bytes.fill(0, first * PAGE_BYTES, (first + pageCount) * PAGE_BYTES)
    const refs: GrantRef[] = []
    for (let i = 0; i < pageCount; i++) {
      const ref = this.#refs.claim()
      grants.table.grantAccess(ref, remoteDomid, (first + i) as FrameNumber, access)
      refs.push(ref)
    }
    const shared = new EmulatedSharedPages(
      remoteDomid,
      access,
      refs,
      first,
      new FrameMemory(memory, first, pageCount, 'writable'),
    )
    this.#live.add(shared)
    return shared
  }

  unshare(shared: SharedPages): number {
    this.#assertHere()
    this.#assertOurs(shared)
    this.#live.delete(shared)
    const notify = this.#parts.notices.letGo(shared, shared.memory)
    shared.memory.invalidate()
    let setAside = 0
    shared.refs.forEach((ref, i) => {
      const whenFree = () => {
        this.#refs.release(ref)
        this.#parts.pages.free(shared.firstFrame + i)
      }
      if (!this.#deferred.release(ref, whenFree)) setAside++
    })
    if (setAside > 0) this.#lookAgainLater()
    notify()
    return setAside
  }

  notifyOnUnmap(shared: SharedPages, notice: UnmapNotice): void {
    this.#assertHere()
    this.#assertOurs(shared)
    this.#parts.notices.ask(shared, shared.memory, true, notice)
  }

  reclaim(): number {
    return this.#gone ? this.#deferred.size : this.#deferred.reclaim()
  }

  /** The domain is no more: whoever still runs its code must not reach its pages or its grant table any longer. */
  invalidateAll(): void {
    this.#gone = true
    this.#timer?.cancel()
    this.#timer = undefined
    for (const shared of this.#live) shared.memory.invalidate()
    this.#live.clear()
    this.#parts.notices.forgetAll()
  }

  #assertOurs(shared: SharedPages): asserts shared is EmulatedSharedPages {
    if (shared instanceof EmulatedSharedPages && this.#live.has(shared)) return
    throw new TypeError('these pages are not shared, or not by this domain')
  }

  #assertHere(): void {
    const { domid } = this.#parts
    if (this.#gone) throw new XenError('ESRCH', `domain ${domid} is no more`, { detail: { domid } })
  }

  #allocate(pageCount: number): number {
    try {
      return this.#parts.pages.allocate(pageCount)
    } catch (error) {
      throw new XenError('ENOSPC', `there are no ${pageCount} pages to share`, { cause: error })
    }
  }

  #lookAgainLater(): void {
    this.#timer ??= this.#parts.clock.setTimer(RECLAIM_MILLISECONDS, () => {
      this.#timer = undefined
      if (this.reclaim() > 0) this.#lookAgainLater()
    })
  }
}

class EmulatedSharedPages implements SharedPages {
  constructor(
    readonly remoteDomid: Domid,
    readonly access: GrantAccess,
    readonly refs: readonly GrantRef[],
    readonly firstFrame: number,
    readonly memory: FrameMemory,
  ) {}
}
