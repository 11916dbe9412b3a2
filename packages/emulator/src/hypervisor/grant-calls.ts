import { type Domid, type FrameNumber, type GrantRef, PAGE_BYTES, type SharedMemory, XenError } from '@split-driver/abi'
import {
  type GrantAccess,
  GrantFlag,
  GrantStatus,
  grantError,
  pinEntry,
  pinnedFrame,
  unpinEntry,
} from '@split-driver/grant'
import type { Hypervisor } from './hypervisor.js'
import {
  activeRecord,
  DomainState,
  domainRecord,
  GRANTS_PER_FRAME,
  MapState,
  maptrackRecord,
} from './machine-layout.js'

/** Names a mapping to the hypervisor. @see grant_table.h grant_handle_t */
export type MapHandle = number

/** One mapping that a domain holds. */
export interface HeldMapping {
  readonly handle: MapHandle
  readonly granter: Domid
  readonly ref: GrantRef
  readonly frame: number
  readonly access: GrantAccess
}

/** The grant-table hypercalls for v1 tables. @see xen/include/public/grant_table.h GNTTABOP_* */
export class GrantCalls {
  readonly #xen: Hypervisor
  readonly #words: Int32Array

  constructor(xen: Hypervisor) {
    this.#xen = xen
    this.#words = xen.memory.words
  }

  /**
   * GNTTABOP_setup_table: the pages of the caller's grant table, which grows to `frameCount` of them if it is smaller.
   * @throws XenError GNTST_general_error beyond the domain's limit; GNTST_no_space if the machine has no frame left
   */
  setupTable(caller: Domid, frameCount: number): FrameNumber[] {
    const xen = this.#xen
    xen.enter(caller)
    try {
      const record = xen.domains.record(caller)
      const most = xen.domains.get(record, domainRecord.maxGrantFrames)
      if (frameCount > most)
        throw new XenError('GNTST_general_error', `domain ${caller} can have ${most} grant frames, not ${frameCount}`)
      return Array.from({ length: frameCount }, (_, slot) => {
        if (xen.tables.grants.ensure(record, slot) < 0)
          throw new XenError('GNTST_no_space', 'the machine has no frame for a grant table')
        return xen.tables.grants.frameAt(record, slot) as FrameNumber
      })
    } finally {
      xen.leave()
    }
  }

  /**
   * GNTTABOP_map_grant_ref for a list: all or nothing.
   * @throws XenError GNTST_* of the first that failed, its place in `detail.index`
   */
  map(caller: Domid, granter: Domid, refs: readonly GrantRef[], access: GrantAccess): HeldMapping[] {
    const xen = this.#xen
    const held: HeldMapping[] = []
    xen.enter(caller)
    try {
      refs.forEach((ref, index) => {
        const mapping = this.#mapOne(caller, granter, ref, access)
        if (typeof mapping === 'number') throw this.#refusal(mapping, granter, ref, index)
        held.push(mapping)
      })
      return held
    } catch (error) {
      for (const mapping of held) this.#unmapOne(caller, mapping.handle)
      throw error
    } finally {
      xen.leave()
    }
  }

  /** GNTTABOP_unmap_grant_ref. @throws XenError GNTST_bad_handle for one that is not mapped; the others are unmapped */
  unmap(caller: Domid, handles: readonly MapHandle[]): void {
    const xen = this.#xen
    let bad = -1
    xen.enter(caller)
    try {
      for (const handle of handles) if (!this.#unmapOne(caller, handle)) bad = handle
    } finally {
      xen.leave()
    }
    if (bad >= 0) throw new XenError('GNTST_bad_handle', `handle ${bad} is not mapped`, { detail: { handle: bad } })
  }

  /**
   * GNTTABOP_copy between a granted page and memory of the caller's.
   * @throws XenError GNTST_bad_copy_arg if it would cross the page's end; GNTST_* of the grant
   */
  copy(caller: Domid, granter: Domid, ref: GrantRef, offset: number, own: Uint8Array, direction: 'from' | 'to'): void {
    if (!Number.isInteger(offset) || offset < 0 || offset + own.length > PAGE_BYTES)
      throw new XenError('GNTST_bad_copy_arg', `bytes ${offset} to ${offset + own.length} leave the granted page`, {
        detail: { ref, offset, length: own.length },
      })
    const xen = this.#xen
    xen.enter(caller)
    try {
      const access = direction === 'from' ? 'read-only' : 'writable'
      const frame = this.#pin(caller, granter, ref, access, 'copy')
      if (frame < 0) throw this.#refusal(frame, granter, ref)
      const { bytes } = xen.memory
      const at = frame * PAGE_BYTES + offset
      if (direction === 'to') bytes.set(own, at)
      else own.set(bytes.subarray(at, at + own.length))
      this.#unpin(granter, ref, access)
    } finally {
      xen.leave()
    }
  }

  /** Mappings that `domid` holds. The caller holds the lock. */
  listHeld(domid: Domid): HeldMapping[] {
    const held: HeldMapping[] = []
    for (let handle = 0; handle < this.#handleCount(domid); handle++) {
      const mapping = this.#held(domid, handle)
      if (mapping) held.push(mapping)
    }
    return held
  }

  /** Lets go of all that `domid` has mapped. The caller holds the lock. */
  unmapAll(domid: Domid): void {
    for (const { handle } of this.listHeld(domid)) this.#unmapOne(domid, handle)
  }

  /** Which of `domid`'s grants others have pinned now. The caller holds the lock. */
  pinnedCount(domid: Domid): number {
    return this.#xen.domains.get(this.#xen.domains.record(domid), domainRecord.pinnedGrants)
  }

  #mapOne(caller: Domid, granter: Domid, ref: GrantRef, access: GrantAccess): HeldMapping | number {
    const handle = this.#freeHandle(caller)
    if (handle < 0) return GrantStatus.GNTST_no_device_space
    const frame = this.#pin(caller, granter, ref, access, 'map')
    if (frame < 0) return frame
    const words = this.#words
    const at = this.#handleWord(caller, handle)
    words[at + maptrackRecord.state] = access === 'writable' ? MapState.Writable : MapState.ReadOnly
    words[at + maptrackRecord.granter] = granter
    words[at + maptrackRecord.ref] = ref
    words[at + maptrackRecord.frame] = frame
    return { handle, granter, ref, frame, access }
  }

  #unmapOne(caller: Domid, handle: MapHandle): boolean {
    const mapping = this.#held(caller, handle)
    if (!mapping) return false
    const at = this.#handleWord(caller, handle)
    this.#words.fill(0, at, at + maptrackRecord.words)
    this.#unpin(mapping.granter, mapping.ref, mapping.access)
    return true
  }

  /** Marks the grant as in use. @returns its frame, or a negative GNTST_* */
  #pin(caller: Domid, granter: Domid, ref: GrantRef, access: GrantAccess, purpose: 'map' | 'copy'): number {
    const { domains, frames, tables } = this.#xen
    const record = domains.find(granter)
    if (record < 0 || domains.get(record, domainRecord.state) >= DomainState.Dying) return GrantStatus.GNTST_bad_domain
    if (ref >>> 0 >= domains.get(record, domainRecord.grantFrames) * GRANTS_PER_FRAME)
      return GrantStatus.GNTST_bad_gntref
    const words = this.#words
    const active = tables.active.ensure(record, ref)
    if (active < 0) return GrantStatus.GNTST_no_space
    const table = this.#grantFrame(record, ref)
    const entry = ref % GRANTS_PER_FRAME
    const inUse = words[active + activeRecord.readers]! + words[active + activeRecord.writers]! > 0
    if (inUse && words[active + activeRecord.domid] !== caller) return GrantStatus.GNTST_general_error
    const status = pinEntry(table, entry, { domid: caller, access, purpose, alreadyPinned: inUse })
    if (status !== GrantStatus.GNTST_okay) return status
    if (!inUse) {
      const frame = pinnedFrame(table, entry)
      if (!frames.isOwnedBy(frame, granter)) {
        unpinEntry(table, entry, GrantFlag.reading | GrantFlag.writing)
        return GrantStatus.GNTST_bad_page
      }
      words[active + activeRecord.frame] = frame
      words[active + activeRecord.domid] = caller
      domains.set(record, domainRecord.pinnedGrants, domains.get(record, domainRecord.pinnedGrants) + 1)
    }
    words[active + (access === 'writable' ? activeRecord.writers : activeRecord.readers)]!++
    return words[active + activeRecord.frame]!
  }

  #unpin(granter: Domid, ref: GrantRef, access: GrantAccess): void {
    const { domains, tables } = this.#xen
    const words = this.#words
    const record = domains.record(granter)
    const active = tables.active.wordOf(record, ref)
    words[active + (access === 'writable' ? activeRecord.writers : activeRecord.readers)]!--
    const noWriters = words[active + activeRecord.writers] === 0
    const noReaders = noWriters && words[active + activeRecord.readers] === 0
    const table = this.#grantFrame(record, ref)
    const released = (noWriters ? GrantFlag.writing : 0) | (noReaders ? GrantFlag.reading : 0)
    unpinEntry(table, ref % GRANTS_PER_FRAME, released)
    if (!noReaders) return
    const pinned = domains.get(record, domainRecord.pinnedGrants) - 1
    domains.set(record, domainRecord.pinnedGrants, pinned)
    if (pinned === 0 && domains.get(record, domainRecord.state) === DomainState.Zombie) this.#xen.bury(granter)
  }

  #freeHandle(domid: Domid): number {
    const { domains, tables } = this.#xen
    const record = domains.record(domid)
    const there = tables.maptrack.reach(record)
    const hint = domains.get(record, domainRecord.handleHint)
    for (let tried = 0; tried < there; tried++) {
      const handle = (hint + tried) % there
      if (this.#words[this.#handleWord(domid, handle) + maptrackRecord.state] !== MapState.Free) continue
      domains.set(record, domainRecord.handleHint, handle + 1)
      return handle
    }
    const mayGrow =
      domains.get(record, domainRecord.maptrackFrames) < domains.get(record, domainRecord.maxMaptrackFrames)
    return mayGrow && tables.maptrack.ensure(record, there) >= 0 ? there : -1
  }

  #held(domid: Domid, handle: MapHandle): HeldMapping | undefined {
    if (handle >>> 0 !== handle || this.#handleWord(domid, handle) < 0) return undefined
    const words = this.#words
    const at = this.#handleWord(domid, handle)
    const state = words[at + maptrackRecord.state]
    if (state === MapState.Free) return undefined
    return {
      handle,
      granter: words[at + maptrackRecord.granter] as Domid,
      ref: (words[at + maptrackRecord.ref]! >>> 0) as GrantRef,
      frame: words[at + maptrackRecord.frame]!,
      access: state === MapState.Writable ? 'writable' : 'read-only',
    }
  }

  #handleCount(domid: Domid): number {
    const { domains, tables } = this.#xen
    return tables.maptrack.reach(domains.record(domid))
  }

  #handleWord(domid: Domid, handle: MapHandle): number {
    const { domains, tables } = this.#xen
    return tables.maptrack.wordOf(domains.record(domid), handle)
  }

  /** The page of the guest's own table that holds entry `ref`. */
  #grantFrame(record: number, ref: GrantRef): SharedMemory {
    const { memory, tables } = this.#xen
    return memory.frame(tables.grants.frameAt(record, Math.floor(ref / GRANTS_PER_FRAME)))
  }

  #refusal(status: number, granter: Domid, ref: GrantRef, index?: number): XenError {
    const detail = { ref, granter, ...(index === undefined ? {} : { index }) }
    return grantError(status, `grant ${ref} of domain ${granter} cannot be used`, detail)
  }
}
