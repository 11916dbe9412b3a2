import { type Domid, PAGE_BYTES } from '@split-driver/abi'
import type { EventChannels } from '@split-driver/evtchn'
import type { GrantSharer, SharedPages } from '@split-driver/grant'
import type { MappedRange } from '@split-driver/privcmd'
import { IoctlArgument, ioctlNumber } from './emulated-nodes-argument.js'
import { NodeFile, type PageRange } from './emulated-nodes-file.js'
import { RevocableMemory } from './emulated-nodes-memory.js'
import { UnmapNotice } from './emulated-nodes-notice.js'
import type { KernelPorts } from './emulated-nodes-ports.js'
import { kernelErrno, refused } from './emulated-nodes-refusal.js'

/** @see xen/sys/gntalloc.h */
const ALLOC_GREF = ioctlNumber('G', 5, 24)
const DEALLOC_GREF = ioctlNumber('G', 6, 16)
const SET_UNMAP_NOTIFY = ioctlNumber('G', 7, 16)

const FLAG_WRITABLE = 1
/** Offset of `gref_ids`. */
const REFS_AT = 16

/** What all files of /dev/xen/gntalloc have in common. */
export class GntallocLimit {
  #used = 0

  /** @param pages that may be shared at a time; Linux's module parameter `limit`, 1024 unless set */
  constructor(readonly pages: number) {}

  take(count: number): void {
    if (this.#used + count > this.pages) throw refused('ENOSPC', `${this.pages} pages is the module's limit`)
    this.#used += count
  }

  giveBack(count: number): void {
    this.#used -= count
  }
}

export interface GntallocParts {
  readonly sharer: GrantSharer
  readonly events: EventChannels
  readonly ports: KernelPorts
  readonly limit: GntallocLimit
}

/** Pages of one ALLOC_GREF: in the file's list, mapped, or both; freed when neither. */
interface Allocation {
  readonly first: number
  readonly pages: SharedPages
  readonly notices: Map<number, UnmapNotice>
  listed: boolean
  mapped: { readonly range: MappedRange; readonly memory: RevocableMemory } | undefined
}

/**
 * /dev/xen/gntalloc: pages are shared by ioctl and found by their offset in the file. Stricter than Linux in one thing:
 * what was allocated together is mapped together, and given back together.
 */
export class GntallocFile extends NodeFile {
  readonly #parts: GntallocParts
  readonly #allocations = new Set<Allocation>()
  /** The next page's index; none is ever used twice. */
  #next = 0

  constructor(path: string, parts: GntallocParts) {
    super(path)
    this.#parts = parts
  }

  ioctl(request: number, bytes: Uint8Array): number {
    const argument = new IoctlArgument(bytes, (request >>> 16) & 0x3fff)
    if (request === ALLOC_GREF) this.#allocate(argument)
    else if (request === DEALLOC_GREF) this.#deallocate(argument)
    else if (request === SET_UNMAP_NOTIFY) this.#setNotice(argument)
    else throw refused('ENOTTY', `${this.path} has no request ${request.toString(16)}`)
    return 0
  }

  override mapPages({ first, count }: PageRange): MappedRange {
    const allocation = this.#find(first, count)
    if (allocation === undefined) throw refused('ENOENT', `no ${count} pages were allocated at page ${first}`)
    if (allocation.mapped) throw refused('ENOENT', `the pages at page ${first} are mapped already`)
    const memory = new RevocableMemory(allocation.pages.memory)
    const range = { byteLength: count * PAGE_BYTES, memory: memory.memory }
    allocation.mapped = { range, memory }
    return range
  }

  override holdings(): string[] {
    const shared = [...this.#allocations].filter(({ listed }) => listed)
    return [...super.holdings(), ...shared.map(({ pages }) => `grants ${pages.refs}, allocated by ${this.path}`)]
  }

  protected override unmapped(range: MappedRange): void {
    for (const allocation of this.#allocations) {
      if (allocation.mapped?.range !== range) continue
      allocation.mapped.memory.revoke()
      allocation.mapped = undefined
      this.#freeIfUnused(allocation)
    }
  }

  protected release(): void {
    for (const allocation of [...this.#allocations]) {
      allocation.listed = false
      this.#freeIfUnused(allocation)
    }
  }

  #allocate(argument: IoctlArgument): void {
    const [domid, flags, count] = [argument.u16(0) as Domid, argument.u16(2), argument.u32(4)]
    const { sharer, limit } = this.#parts
    sharer.reclaim()
    // Linux has looked at what was set aside, and nothing else.
    if (count === 0) return
    limit.take(count)
    let pages: SharedPages
    try {
      pages = sharer.share(domid, count, flags & FLAG_WRITABLE ? 'writable' : 'read-only')
    } catch (error) {
      limit.giveBack(count)
      throw kernelErrno(error)
    }
    this.#allocations.add({ first: this.#next, pages, notices: new Map(), listed: true, mapped: undefined })
    argument.setU64(8, this.#next * PAGE_BYTES)
    for (const [i, ref] of pages.refs.entries()) argument.setU32(REFS_AT + 4 * i, ref)
    this.#next += count
  }

  #deallocate(argument: IoctlArgument): void {
    const allocation = this.#find(argument.u64(0) / PAGE_BYTES, argument.u32(8))
    if (allocation === undefined) throw refused('EINVAL', `nothing was allocated at offset ${argument.u64(0)}`)
    allocation.listed = false
    this.#freeIfUnused(allocation)
  }

  #setNotice(argument: IoctlArgument): void {
    const page = Math.floor(argument.u64(0) / PAGE_BYTES)
    const allocation = [...this.#allocations].find(
      ({ first, pages, listed }) => listed && page >= first && page < first + pages.refs.length,
    )
    if (allocation === undefined) throw refused('ENOENT', `nothing was allocated at offset ${argument.u64(0)}`)
    const { ports, events } = this.#parts
    const notice = new UnmapNotice(argument, argument.u64(0) - allocation.first * PAGE_BYTES, ports, events)
    allocation.notices.get(page)?.drop()
    allocation.notices.set(page, notice)
  }

  #find(first: number, count: number): Allocation | undefined {
    return [...this.#allocations].find(
      (allocation) => allocation.listed && allocation.first === first && allocation.pages.refs.length === count,
    )
  }

  #freeIfUnused(allocation: Allocation): void {
    if (allocation.listed || allocation.mapped) return
    this.#allocations.delete(allocation)
    for (const notice of allocation.notices.values()) {
      notice.clear(allocation.pages.memory)
      notice.send()
    }
    this.#parts.sharer.unshare(allocation.pages)
    this.#parts.limit.giveBack(allocation.pages.refs.length)
  }
}
