import {
  type Domid,
  FlatMemory,
  type GrantRef,
  type GrantStatusCode,
  PAGE_BYTES,
  type SharedMemory,
  XenError,
} from '@split-driver/abi'
import type { GrantAccess, GrantMapper, GrantSharer, Mapping, SharedPages } from '@split-driver/grant'

/** What `failMapping` makes fail. */
interface Failure {
  readonly index: number
  readonly code: GrantStatusCode
}

/** Both sides of a grant table over one plain buffer; a reference is a page's number plus 8. Keeps account of mappings. */
export class FakeGrants implements GrantSharer, GrantMapper {
  readonly bytes: Uint8Array
  /** Mappings that have not ended. */
  readonly live = new Set<Mapping>()
  /** Access and page count of each mapping that was made. */
  readonly made: { access: GrantAccess; pages: number }[] = []
  /** Calls of `map`, whether or not they succeeded. */
  attempts = 0
  readonly shared = new Set<SharedPages>()
  failMapping: Failure | undefined
  #nextPage = 0

  constructor(pages: number) {
    this.bytes = new Uint8Array(new SharedArrayBuffer(pages * PAGE_BYTES))
  }

  share(remoteDomid: Domid, pageCount: number, access: GrantAccess): SharedPages {
    if ((this.#nextPage + pageCount) * PAGE_BYTES > this.bytes.length) throw new XenError('ENOSPC', 'no pages left')
    const first = this.#nextPage
    this.#nextPage += pageCount
    const pages = {
      remoteDomid,
      access,
      refs: Array.from({ length: pageCount }, (_, i) => (first + i + 8) as GrantRef),
      memory: new FlatMemory(this.bytes.buffer, first * PAGE_BYTES, pageCount * PAGE_BYTES),
    }
    this.shared.add(pages)
    return pages
  }

  unshare(pages: SharedPages): number {
    this.shared.delete(pages)
    return 0
  }

  reclaim(): number {
    return 0
  }

  map(remoteDomid: Domid, refs: readonly GrantRef[], access: GrantAccess): Mapping {
    this.attempts++
    if (this.failMapping !== undefined && this.failMapping.index < refs.length)
      throw new XenError(this.failMapping.code, 'as the test wants it', { detail: { index: this.failMapping.index } })
    const pages = refs.map((ref) => this.page(ref, access))
    const mapping = { remoteDomid, access, refs: [...refs], memory: pages[0]!, page: (index: number) => pages[index]! }
    this.live.add(mapping)
    this.made.push({ access, pages: refs.length })
    return mapping
  }

  unmap(mapping: Mapping): void {
    if (!this.live.delete(mapping)) throw new XenError('GNTST_bad_handle', 'unmapped twice')
  }

  copyFrom(): never {
    throw new Error('not used')
  }

  copyTo(): never {
    throw new Error('not used')
  }

  /** The bytes of the page behind `ref`. */
  pageBytes(ref: number): Uint8Array {
    return this.bytes.subarray((ref - 8) * PAGE_BYTES, (ref - 7) * PAGE_BYTES)
  }

  private page(ref: GrantRef, access: GrantAccess): SharedMemory {
    if (ref < 8 || (ref - 7) * PAGE_BYTES > this.bytes.length) throw new XenError('GNTST_bad_gntref', `ref ${ref}`)
    const page = new FlatMemory(this.bytes.buffer, (ref - 8) * PAGE_BYTES, PAGE_BYTES)
    if (access === 'writable') return page
    const bytes = page.bytes.bind(new FlatMemory(this.bytes.buffer, (ref - 8) * PAGE_BYTES, PAGE_BYTES))
    page.bytes = bytes
    page.mutableBytes = () => {
      throw new XenError('READ_ONLY_MAPPING', `ref ${ref}`)
    }
    return page
  }
}
