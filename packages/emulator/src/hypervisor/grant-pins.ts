import type { Domid, GrantRef } from '@split-driver/abi'
import { type GrantAccess, GrantFlag, GrantStatus } from '@split-driver/grant'
import { emptyGranted, type GrantEntries, type Granted } from './grant-entries.js'
import type { Hypervisor } from './hypervisor.js'
import { activeRecord, DomainState, domainRecord } from './machine-layout.js'

/**
 * Why a grant is in use: four counts of eight bits in one word, and no count may reach its highest bit twice. To pin is to
 * add one of these. @see xen/common/grant_table.c GNTPIN_*
 */
export const Pin = {
  hostWriter: 1,
  hostReader: 1 << 8,
  deviceWriter: 1 << 16,
  deviceReader: 1 << 24,
} as const

const WRITERS = 0x00ff_00ff

/** Of counts: the bits that, once set, forbid one more. */
const overflowBits = (increment: number): number => increment << 7

/** How often a grant is in use, by kind. */
export interface PinCounts {
  readonly hostWriters: number
  readonly hostReaders: number
  readonly deviceWriters: number
  readonly deviceReaders: number
}

/** What is in use of every domain's grants, and by whom: the active entries. Callers hold the machine's lock. */
export class GrantPins {
  readonly #xen: Hypervisor
  readonly #words: Int32Array
  readonly #entries: GrantEntries
  readonly #granted: Granted = emptyGranted()
  /** One object for all requests, so that none is made. */
  readonly #request: {
    domid: Domid
    access: GrantAccess
    purpose: 'map' | 'copy'
    alreadyPinned: boolean
  } = { domid: 0 as Domid, access: 'read-only', purpose: 'map', alreadyPinned: false }

  constructor(xen: Hypervisor, entries: GrantEntries) {
    this.#xen = xen
    this.#words = xen.memory.words
    this.#entries = entries
  }

  /** The four counts in their word; 0 if the grant is not in use. */
  pins(record: number, ref: GrantRef): number {
    const active = this.#xen.tables.active.wordOf(record, ref)
    return active < 0 ? 0 : this.#words[active + activeRecord.pins]!
  }

  counts(record: number, ref: GrantRef): PinCounts {
    const pins = this.pins(record, ref)
    return {
      hostWriters: pins & 0xff,
      hostReaders: (pins >>> 8) & 0xff,
      deviceWriters: (pins >>> 16) & 0xff,
      deviceReaders: pins >>> 24,
    }
  }

  /** Of a pinned grant: which frame. */
  frameOf(record: number, ref: GrantRef): number {
    return this.#words[this.#xen.tables.active.wordOf(record, ref) + activeRecord.frame]!
  }

  /** Of a pinned grant: who uses it. */
  userOf(record: number, ref: GrantRef): number {
    return this.#words[this.#xen.tables.active.wordOf(record, ref) + activeRecord.domid]!
  }

  /**
   * Is there an entry, and may `domid` use it once more, as far as those go who use it already?
   * @param increment a sum of `Pin`s
   */
  judge(record: number, ref: GrantRef, domid: Domid, increment: number): GrantStatus {
    if (!this.#entries.has(record, ref)) return GrantStatus.GNTST_bad_gntref
    const active = this.#xen.tables.active.ensure(record, ref)
    if (active < 0) return GrantStatus.GNTST_no_space
    const pins = this.#words[active + activeRecord.pins]!
    const user = this.#words[active + activeRecord.domid]
    const refused = pins !== 0 && (user !== domid || (pins & overflowBits(increment)) !== 0)
    return refused ? GrantStatus.GNTST_general_error : GrantStatus.GNTST_okay
  }

  /** Must the entry be marked before this use? It need not if its marks say enough already. */
  needsMark(record: number, ref: GrantRef, readonly: boolean): boolean {
    const pins = this.pins(record, ref)
    return pins === 0 || (!readonly && (pins & WRITERS) === 0)
  }

  mark(record: number, ref: GrantRef, domid: Domid, readonly: boolean, purpose: 'map' | 'copy'): GrantStatus {
    return this.#markAs(record, ref, domid, readonly, purpose, this.pins(record, ref) !== 0)
  }

  /** Takes those marks off that no pin needs. */
  reduceMarks(record: number, ref: GrantRef, readonly: boolean): void {
    this.#reduceMarksTo(this.pins(record, ref), record, ref, readonly)
  }

  /** The first use of a grant begins: from here on it is `domid`'s, and of this frame. */
  begin(record: number, ref: GrantRef, domid: Domid, frame: number): void {
    const active = this.#xen.tables.active.wordOf(record, ref)
    this.#words[active + activeRecord.frame] = frame
    this.#words[active + activeRecord.domid] = domid
    this.#countPinned(record, 1)
  }

  add(record: number, ref: GrantRef, increment: number): void {
    this.#words[this.#xen.tables.active.wordOf(record, ref) + activeRecord.pins]! += increment
  }

  /** Pins a whole page for a mapping. @returns its frame, or a negative GNTST_* status */
  pinForMapping(record: number, ref: GrantRef, domid: Domid, increment: number, readonly: boolean): number {
    const judged = this.judge(record, ref, domid, increment)
    if (judged !== GrantStatus.GNTST_okay) return judged
    const words = this.#words
    const active = this.#xen.tables.active.wordOf(record, ref)
    const pins = words[active + activeRecord.pins]!
    if (pins === 0 || (!readonly && (pins & WRITERS) === 0)) {
      const marked = this.#markAs(record, ref, domid, readonly, 'map', pins !== 0)
      if (marked !== GrantStatus.GNTST_okay) return marked
    }
    if (pins === 0 && !this.#beginMapping(record, ref, domid)) {
      this.reduceMarks(record, ref, readonly)
      return GrantStatus.GNTST_bad_page
    }
    words[active + activeRecord.pins] = pins + increment
    return words[active + activeRecord.frame]!
  }

  /** One use of a grant ends, or a part of it. With the last one of a dead domain its memory goes back to the machine. */
  unpin(record: number, ref: GrantRef, decrement: number, readonly: boolean): void {
    const active = this.#xen.tables.active.wordOf(record, ref)
    const pins = this.#words[active + activeRecord.pins]! - decrement
    this.#words[active + activeRecord.pins] = pins
    this.#reduceMarksTo(pins, record, ref, readonly)
    if (pins === 0) this.#countPinned(record, -1)
  }

  /** @returns whether the page is the granter's to give */
  #beginMapping(record: number, ref: GrantRef, domid: Domid): boolean {
    const { domains, frames } = this.#xen
    this.#entries.fetch(record, ref, this.#granted)
    const { frame } = this.#granted
    if (!frames.isOwnedBy(frame, domains.get(record, domainRecord.domid) as Domid)) return false
    this.begin(record, ref, domid, frame)
    return true
  }

  #markAs(
    record: number,
    ref: GrantRef,
    domid: Domid,
    readonly: boolean,
    purpose: 'map' | 'copy',
    alreadyPinned: boolean,
  ): GrantStatus {
    const request = this.#request
    request.domid = domid
    request.access = readonly ? 'read-only' : 'writable'
    request.purpose = purpose
    request.alreadyPinned = alreadyPinned
    return this.#entries.mark(record, ref, request)
  }

  #reduceMarksTo(pins: number, record: number, ref: GrantRef, readonly: boolean): void {
    const idle = pins === 0 ? GrantFlag.reading : 0
    const unwritten = !readonly && (pins & WRITERS) === 0 ? GrantFlag.writing : 0
    if (idle | unwritten) this.#entries.unmark(record, ref, idle | unwritten)
  }

  #countPinned(record: number, change: 1 | -1): void {
    const { domains } = this.#xen
    const pinned = domains.get(record, domainRecord.pinnedGrants) + change
    domains.set(record, domainRecord.pinnedGrants, pinned)
    if (pinned === 0 && domains.get(record, domainRecord.state) === DomainState.Zombie)
      this.#xen.bury(domains.get(record, domainRecord.domid) as Domid)
  }
}
