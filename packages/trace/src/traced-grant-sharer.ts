import type { Domid, GrantRef, SharedMemory } from '@split-driver/abi'
import type { GrantAccess, GrantSharer, SharedPages, UnmapNotice, UnmapNotifier } from '@split-driver/grant'
import { type DomainTracer, errorName } from './domain-tracer.js'
import { TracedMemory } from './traced-memory.js'

type Sharer = GrantSharer & Partial<UnmapNotifier<SharedPages>>

/** Shared pages whose rings are followed. */
class TracedPages implements SharedPages {
  readonly remoteDomid: Domid
  readonly access: GrantAccess
  readonly refs: readonly GrantRef[]
  readonly memory: SharedMemory

  constructor(
    readonly below: SharedPages,
    readonly held: number,
    tracer: DomainTracer,
  ) {
    const { remoteDomid, access, refs, memory } = below
    this.remoteDomid = remoteDomid
    this.access = access
    this.refs = refs
    this.memory = new TracedMemory(memory, tracer, tracer.domid, refs[0]!)
  }
}

/** A sharer whose steps are recorded. */
export class TracedGrantSharer implements GrantSharer, UnmapNotifier<SharedPages> {
  readonly #below: Sharer
  readonly #tracer: DomainTracer

  constructor(below: Sharer, tracer: DomainTracer) {
    this.#below = below
    this.#tracer = tracer
  }

  share(remoteDomid: Domid, pageCount: number, access: GrantAccess): SharedPages {
    const { step, recorder, domid } = this.#tracer
    try {
      const below = this.#below.share(remoteDomid, pageCount, access)
      recorder.names.forgetRefs(domid, below.refs)
      const pages = new TracedPages(below, recorder.nextNumber(), this.#tracer)
      step('grant.share', pages.held, remoteDomid, access, [...below.refs])
      return pages
    } catch (error) {
      step('grant.failed', 'share', remoteDomid, errorName(error))
      throw error
    }
  }

  unshare(pages: SharedPages): number {
    const pagesHeld = this.#below.unshare(belowOf(pages))
    if (pages instanceof TracedPages) this.#tracer.step('grant.unshare', pages.held, pagesHeld)
    return pagesHeld
  }

  reclaim(): number {
    const pagesHeld = this.#below.reclaim()
    this.#tracer.step('grant.reclaim', pagesHeld)
    return pagesHeld
  }

  /** Without effect in a world that has no such notice (`Capabilities.unmapNotify`). */
  notifyOnUnmap(pages: SharedPages, notice: UnmapNotice): void {
    this.#below.notifyOnUnmap?.(belowOf(pages), notice)
    const held = pages instanceof TracedPages ? pages.held : 0
    this.#tracer.step('grant.notify-on-unmap', held, notice.clearByte ?? -1, notice.port ?? 0)
  }
}

/** What was shared before the tracing began is what it is. */
const belowOf = (pages: SharedPages): SharedPages => (pages instanceof TracedPages ? pages.below : pages)
