import { type Domid, type FrameNumber, type GrantRef, PAGE_BYTES, XenError } from '@split-driver/abi'
import {
  type CacheFlush,
  type GrantAccess,
  type GrantCopy,
  type GrantFramesAnswer,
  type GrantFramesRequest,
  type GrantHandle,
  GrantMapFlag,
  GrantStatus,
  type GrantTableSize,
  grantError,
  type MapGrantRef,
  type MappedGrantRef,
  type SwapGrantRef,
  type TransferFrame,
  type UnmapAndReplace,
  type UnmapGrantRef,
} from '@split-driver/grant'
import { CacheFlushes } from './cache-flush.js'
import { GrantCopies } from './grant-copies.js'
import { GrantEntries } from './grant-entries.js'
import { GrantMappings } from './grant-mappings.js'
import { GrantPins, type PinCounts } from './grant-pins.js'
import { GrantTables, noFrames } from './grant-tables.js'
import { HypercallTurns, OPS_A_TURN } from './hypercall-turns.js'
import type { Hypervisor } from './hypervisor.js'
import { domainRecord, maptrackRecord } from './machine-layout.js'
import { Maptrack } from './maptrack.js'

/** One mapping that a domain holds. */
export interface HeldMapping {
  readonly handle: GrantHandle
  readonly granter: Domid
  readonly ref: GrantRef
  readonly frame: number
  readonly access: GrantAccess
}

/** Mappings of a dead domain that are ended in one hold of the lock. */
const HANDLES_A_TURN = 4096

/** Where a domain's platform maps pages: it reaches them by their frames, so any one address will do. */
const PLATFORM_ADDRESS = PAGE_BYTES

/**
 * The grant-table hypercalls. Long lists let go of the lock now and then, as real hypercalls are preempted.
 * @see xen/include/public/grant_table.h GNTTABOP_*; `GrantTableOp` says what each does
 */
export class GrantCalls {
  readonly entries: GrantEntries
  readonly #xen: Hypervisor
  readonly #turns: HypercallTurns
  readonly #pins: GrantPins
  readonly #maptrack: Maptrack
  readonly #mappings: GrantMappings
  readonly #copies: GrantCopies
  readonly #tables: GrantTables
  readonly #flushes: CacheFlushes

  constructor(xen: Hypervisor) {
    this.#xen = xen
    this.#turns = new HypercallTurns(xen)
    this.entries = new GrantEntries(xen)
    this.#pins = new GrantPins(xen, this.entries)
    this.#maptrack = new Maptrack(xen)
    this.#mappings = new GrantMappings(xen, this.#pins, this.#maptrack)
    this.#copies = new GrantCopies(xen, this.entries, this.#pins)
    this.#tables = new GrantTables(xen, this.entries, this.#pins)
    this.#flushes = new CacheFlushes(xen, this.entries, this.#pins)
  }

  mapGrantRef(caller: Domid, ops: readonly MapGrantRef[]): MappedGrantRef[] {
    return this.#turns.each(caller, ops, (record, { dom, ref, flags, hostAddr }) => {
      const handle = this.#mappings.map(record, dom, ref, flags, hostAddr)
      if (handle < 0) return { status: handle as GrantStatus, handle: 0, devBusAddr: 0 }
      return { status: GrantStatus.GNTST_okay, handle, devBusAddr: this.#held(record, handle)!.frame * PAGE_BYTES }
    })
  }

  unmapGrantRef(caller: Domid, ops: readonly UnmapGrantRef[]): GrantStatus[] {
    return this.#turns.each(caller, ops, (record, { handle, hostAddr, devBusAddr }) =>
      this.#mappings.unmap(record, handle, hostAddr, devBusAddr),
    )
  }

  /** What is at `newAddr` this machine cannot know: it keeps no page tables. */
  unmapAndReplace(caller: Domid, ops: readonly UnmapAndReplace[]): GrantStatus[] {
    return this.#turns.each(caller, ops, (record, { handle, hostAddr }) =>
      this.#mappings.unmap(record, handle, hostAddr, 0),
    )
  }

  copyGrants(caller: Domid, ops: readonly GrantCopy[]): GrantStatus[] {
    return this.#turns.each(caller, ops, (_, op) => this.#copies.copy(caller, op))
  }

  swapGrantRef(caller: Domid, ops: readonly SwapGrantRef[]): GrantStatus[] {
    return this.#turns.each(caller, ops, (record, { refA, refB }) => this.#tables.swap(record, refA, refB))
  }

  /** No page of this machine changes hands: domains are such whose memory is translated. */
  transfer(caller: Domid, ops: readonly TransferFrame[]): GrantStatus[] {
    return this.#turns.each(caller, ops, (_, { mfn }) =>
      this.#xen.frames.isOwnedBy(mfn, caller) ? GrantStatus.GNTST_general_error : GrantStatus.GNTST_bad_page,
    )
  }

  setupTable(caller: Domid, { dom, nrFrames }: GrantFramesRequest): GrantFramesAnswer {
    return this.#turns.ofTable(caller, dom, (record) => this.#tables.setup(record, nrFrames), noFrames)
  }

  getStatusFrames(caller: Domid, { dom, nrFrames }: GrantFramesRequest): GrantFramesAnswer {
    return this.#turns.ofTable(caller, dom, (record) => this.#tables.statusFrames(record, nrFrames), noFrames)
  }

  querySize(caller: Domid, dom: Domid): GrantTableSize {
    const size = (record: number) => ({
      status: GrantStatus.GNTST_okay,
      nrFrames: this.#tables.frames(record),
      maxNrFrames: this.#tables.maxFrames(record),
    })
    return this.#turns.ofTable(caller, dom, size, (status) => ({ status, nrFrames: 0, maxNrFrames: 0 }))
  }

  setVersion(caller: Domid, version: number): void {
    this.#turns.alone(caller, (record) => this.#tables.setVersion(record, version))
  }

  getVersion(caller: Domid, dom: Domid): 1 | 2 {
    const refused = (status: GrantStatus): never => {
      const code = status === GrantStatus.GNTST_bad_domain ? 'ESRCH' : 'EPERM'
      throw new XenError(code, `domain ${caller} cannot be told the version of domain ${dom}'s table`)
    }
    return this.#turns.ofTable(caller, dom, (record) => this.entries.version(record), refused)
  }

  cacheFlush(caller: Domid, ops: readonly CacheFlush[]): void {
    for (const op of ops) this.#flushes.flush(caller, op)
  }

  /** Is that a page of the caller's own table, or of its statuses? */
  ownsPage(caller: Domid, frame: FrameNumber): boolean {
    return this.#turns.alone(caller, (record) => this.#tables.hasPage(record, frame))
  }

  /**
   * Maps a list for a domain's platform: all or nothing.
   * @throws XenError GNTST_* of the first that failed, its place in `detail.index`
   */
  map(caller: Domid, granter: Domid, refs: readonly GrantRef[], access: GrantAccess): HeldMapping[] {
    const flags = GrantMapFlag.hostMap | (access === 'read-only' ? GrantMapFlag.readonly : 0)
    const held: HeldMapping[] = []
    let failed: number = GrantStatus.GNTST_okay
    while (failed === GrantStatus.GNTST_okay && held.length < refs.length)
      failed = this.#mapSome(caller, granter, refs, flags, held)
    if (failed === GrantStatus.GNTST_okay) return held
    this.unmap(
      caller,
      held.map(({ handle }) => handle),
    )
    throw this.#refusal(failed, granter, refs[held.length]!, held.length)
  }

  /** Ends mappings of `map`. @throws XenError GNTST_bad_handle for one that is not mapped; the others are unmapped */
  unmap(caller: Domid, handles: readonly GrantHandle[]): void {
    let unknown = -1
    for (let from = 0; from < handles.length; from += OPS_A_TURN) {
      const record = this.#turns.enter(caller)
      try {
        for (let i = from; i < Math.min(from + OPS_A_TURN, handles.length); i++)
          if (!this.#mappings.unmapWhole(record, handles[i]!) && unknown < 0) unknown = i
      } finally {
        this.#xen.leave()
      }
    }
    if (unknown < 0) return
    const handle = handles[unknown]
    throw new XenError('GNTST_bad_handle', `handle ${handle} is not mapped`, { detail: { handle } })
  }

  /**
   * Copies between a granted page and private memory of the caller's.
   * @throws XenError GNTST_bad_copy_arg if it would cross the page's end; GNTST_* of the grant
   */
  copy(caller: Domid, granter: Domid, ref: GrantRef, offset: number, own: Uint8Array, direction: 'from' | 'to'): void {
    let status: GrantStatus
    this.#turns.enter(caller)
    try {
      status = this.#copies.copyPrivate(caller, granter, ref, offset, own, direction)
    } finally {
      this.#xen.leave()
    }
    if (status !== GrantStatus.GNTST_okay) throw this.#refusal(status, granter, ref)
  }

  /** Mappings that `domid` holds. The caller holds the lock. */
  listHeld(domid: Domid): HeldMapping[] {
    const record = this.#xen.domains.record(domid)
    const handles = Array.from({ length: this.#maptrack.reach(record) }, (_, handle) => handle)
    return handles.flatMap((handle) => this.#held(record, handle) ?? [])
  }

  /** How many mappings `domid` holds. The caller holds the lock. */
  heldCount(domid: Domid): number {
    const record = this.#xen.domains.record(domid)
    const reach = this.#maptrack.reach(record)
    let count = 0
    for (let handle = 0; handle < reach; handle++) if (this.#maptrack.find(record, handle) >= 0) count++
    return count
  }

  /** How often a grant of `granter`'s is in use. The caller holds the lock. */
  useCounts(granter: Domid, ref: GrantRef): PinCounts {
    return this.#pins.counts(this.#xen.domains.record(granter), ref)
  }

  /** Entries of `domid`'s own that grant something, or are in use still. The caller holds the lock. */
  listGranted(domid: Domid): GrantRef[] {
    const record = this.#xen.domains.record(domid)
    const granted: GrantRef[] = []
    for (let ref = 0 as GrantRef; ref < this.entries.count(record); ref = (ref + 1) as GrantRef)
      if (this.entries.flags(record, ref) !== 0) granted.push(ref)
    return granted
  }

  /** Lets go of all that `domid`, which is dying, has mapped. The caller holds the lock, and loses it now and then. */
  unmapAll(domid: Domid): void {
    const xen = this.#xen
    const record = xen.domains.record(domid)
    const reach = this.#maptrack.reach(record)
    for (let handle = 0; handle < reach; handle++) {
      this.#mappings.unmapWhole(record, handle)
      if ((handle + 1) % HANDLES_A_TURN === 0) xen.yieldLock()
    }
  }

  /** How many of `domid`'s grants others have pinned now. The caller holds the lock. */
  pinnedCount(domid: Domid): number {
    return this.#xen.domains.get(this.#xen.domains.record(domid), domainRecord.pinnedGrants)
  }

  #held(record: number, handle: GrantHandle): HeldMapping | undefined {
    const word = this.#maptrack.find(record, handle)
    if (word < 0) return undefined
    const { words } = this.#xen.memory
    const flags = words[word + maptrackRecord.flags]!
    return {
      handle,
      granter: (flags >>> 16) as Domid,
      ref: (words[word + maptrackRecord.ref]! >>> 0) as GrantRef,
      frame: words[word + maptrackRecord.frame]!,
      access: flags & GrantMapFlag.readonly ? 'read-only' : 'writable',
    }
  }

  /** Maps the next of a list. @returns a GNTST_* status */
  #mapSome(caller: Domid, granter: Domid, refs: readonly GrantRef[], flags: number, held: HeldMapping[]): number {
    const record = this.#turns.enter(caller)
    try {
      const end = Math.min(held.length + OPS_A_TURN, refs.length)
      while (held.length < end) {
        const handle = this.#mappings.map(record, granter, refs[held.length]!, flags, PLATFORM_ADDRESS)
        if (handle < 0) return handle
        held.push(this.#held(record, handle)!)
      }
      return GrantStatus.GNTST_okay
    } finally {
      this.#xen.leave()
    }
  }

  #refusal(status: number, granter: Domid, ref: GrantRef, index?: number): XenError {
    const detail = { ref, granter, ...(index === undefined ? {} : { index }) }
    return grantError(status, `grant ${ref} of domain ${granter} cannot be used`, detail)
  }
}
