import { type Domid, type GrantRef, PAGE_BYTES, XenError } from '@split-driver/abi'
import type { GrantAccess, GrantSharer, SharedPages, UnmapNotice, UnmapNotifier } from '@split-driver/grant'
import type { DeviceNode } from './device-node.js'
import { allocGref, deallocGref, GNTALLOC_FLAG_WRITABLE, GntallocRequest } from './gntalloc-ioctl.js'
import { NodePages } from './node-pages.js'
import { SystemCallError } from './system-call-error.js'
import { setUnmapNotice } from './unmap-notice.js'

/** More is refused by any kernel whose limit somebody has set with care; it bounds the argument's size. */
const PAGES_MAX = 65_536

/**
 * Shares pages through /dev/xen/gntalloc. The kernel owns them: those that a peer still maps when they are unshared, or
 * when this process ends, it frees after the peer has let go, at the next call of anybody's. How many it holds it tells
 * nobody: `unshare` and `reclaim` answer 0 (`Capabilities.heldPageCount`).
 */
export class PrivcmdGrantSharer implements GrantSharer, UnmapNotifier<SharedPages>, Disposable {
  readonly #node: DeviceNode
  readonly #readLimit: () => number | undefined
  readonly #live = new Set<PrivcmdSharedPages>()

  /** @param readLimit how many pages gntalloc shares at most, all processes together, for the error that it was reached */
  constructor(node: DeviceNode, readLimit: () => number | undefined) {
    this.#node = node
    this.#readLimit = readLimit
  }

  /** What is shared now. */
  get shared(): Iterable<SharedPages> {
    return this.#live
  }

  share(remoteDomid: Domid, pageCount: number, access: GrantAccess): SharedPages {
    if (!Number.isInteger(pageCount) || pageCount < 1)
      throw new RangeError(`the number of pages to share must be a positive integer, not ${pageCount}`)
    if (pageCount > PAGES_MAX) throw this.#noSpace(pageCount)
    const { index, refs } = this.#allocate(remoteDomid, pageCount, access)
    try {
      const range = this.#node.map(index, pageCount * PAGE_BYTES, 'writable')
      const pages = new PrivcmdSharedPages(remoteDomid, access, refs, index, range)
      this.#live.add(pages)
      return pages
    } catch (error) {
      this.#free(index, pageCount)
      throw this.#node.refusal(error, `cannot map ${pageCount} pages of our own`)
    }
  }

  unshare(pages: SharedPages): number {
    const ours = this.#ours(pages)
    this.#live.delete(ours)
    this.#end(ours)
    return 0
  }

  /** Has the kernel free what peers have let go. */
  reclaim(): number {
    this.#request({ count: 0 }, 0, 'cannot look at pages that were unshared')
    return 0
  }

  /** A notice belongs to one page: that of `clearByte`, or the first. Other pages keep theirs. */
  notifyOnUnmap(pages: SharedPages, notice: UnmapNotice): void {
    const { index, range } = this.#ours(pages)
    setUnmapNotice(this.#node, GntallocRequest.SetUnmapNotify, index, range.byteLength, notice)
  }

  /** Unshares what is still shared and closes the node. Idempotent. */
  [Symbol.dispose](): void {
    if (this.#node.closed) return
    for (const pages of this.#live) this.#end(pages)
    this.#live.clear()
    this.#node.close()
  }

  #allocate(domid: Domid, count: number, access: GrantAccess): { index: number; refs: readonly GrantRef[] } {
    const flags = access === 'writable' ? GNTALLOC_FLAG_WRITABLE : 0
    const argument = this.#request({ domid, flags, count }, count, `cannot share ${count} pages with domain ${domid}`)
    const first = allocGref.at.grefIds.word
    const refs = Array.from(argument.subarray(first, first + count), (ref) => (ref >>> 0) as GrantRef)
    return { index: allocGref.at.index.getNumber(argument, 0), refs }
  }

  /** ALLOC_GREF. @returns the argument, answered */
  #request(
    fields: { readonly domid?: number; readonly flags?: number; readonly count: number },
    count: number,
    what: string,
  ): Int32Array {
    const argument = new Int32Array(Math.max(allocGref.words, allocGref.at.grefIds.word + count))
    allocGref.write(argument, fields)
    try {
      this.#node.request(GntallocRequest.AllocGref, argument)
      return argument
    } catch (error) {
      if (SystemCallError.is(error, 'ENOSPC')) throw this.#noSpace(count, error)
      throw this.#node.refusal(error, what)
    }
  }

  #end({ range, index, refs }: PrivcmdSharedPages): void {
    this.#node.unmap(range)
    this.#free(index, refs.length)
  }

  #free(index: number, count: number): void {
    const argument = deallocGref.create({ count })
    deallocGref.at.index.setNumber(argument, 0, index)
    this.#node.demand(GntallocRequest.DeallocGref, argument, `cannot end the sharing of ${count} pages`)
  }

  /** Two things run out: gntalloc's pages, and references of the domain's grant table. */
  #noSpace(pageCount: number, cause?: unknown): XenError {
    const limit = this.#readLimit()
    const known = limit === undefined ? '' : `, now ${limit}`
    const advice = `raise it in /sys/module/xen_gntalloc/parameters/limit${known}, or unshare pages`
    return new XenError('ENOSPC', `${pageCount} more pages are beyond the limit of module xen_gntalloc: ${advice}`, {
      cause,
      detail: { pageCount, limit },
    })
  }

  #ours(pages: SharedPages): PrivcmdSharedPages {
    if (pages instanceof PrivcmdSharedPages && this.#live.has(pages)) return pages
    throw new TypeError('these pages are not shared, or not by this platform')
  }
}

class PrivcmdSharedPages extends NodePages implements SharedPages {}
