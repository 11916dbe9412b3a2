import { type Domid, type FlatMemory, type GrantRef, PAGE_WORDS } from '@split-driver/abi'
import {
  fetchEntryV2,
  GRANT_ENTRIES_PER_FRAME,
  GRANT_ENTRIES_V2_PER_FRAME,
  GRANT_STATUSES_PER_FRAME,
  GrantEntryV1,
  GrantEntryV2,
  GrantEntryV2SubPage,
  GrantEntryV2Transitive,
  GrantFlag,
  type GrantStatus,
  type PinRequest,
  pinEntry,
  pinEntryV2,
  pinnedFrame,
  unpinEntry,
  unpinEntryV2,
} from '@split-driver/grant'
import type { Hypervisor } from './hypervisor.js'
import { domainRecord } from './machine-layout.js'

/** What an entry grants, fetched once and judged afterwards. */
export interface Granted {
  /** Infinity if it is no frame number at all. */
  frame: number
  isTransitive: boolean
  isSubPage: boolean
  /** Bytes of the page: of a sub-page grant what it says, else all. */
  offset: number
  length: number
  /** Of a transitive grant: what is passed on. */
  transDomid: Domid
  transRef: GrantRef
}

/**
 * The entries of every domain's grant table, of whichever version: pages that the guest may rewrite at any moment. Domains
 * are named by their record. Callers hold the machine's lock and have judged the reference.
 */
export class GrantEntries {
  readonly #xen: Hypervisor
  readonly #private = new Int32Array(GrantEntryV2.words)

  constructor(xen: Hypervisor) {
    this.#xen = xen
  }

  version(record: number): 1 | 2 {
    return this.#xen.domains.get(record, domainRecord.grantVersion) as 1 | 2
  }

  /** How many entries the table has now. */
  count(record: number): number {
    return this.#xen.domains.get(record, domainRecord.grantFrames) * this.#perFrame(record)
  }

  /** Is that a reference that the table has an entry for? */
  has(record: number, ref: number): boolean {
    return ref >>> 0 === ref && ref < this.count(record)
  }

  /** Word index of the entry in the machine's memory. */
  wordOf(record: number, ref: GrantRef): number {
    const perFrame = this.#perFrame(record)
    const frame = this.#xen.tables.grants.frameAt(record, Math.floor(ref / perFrame))
    return frame * PAGE_WORDS + (ref % perFrame) * this.wordsOfEntry(record)
  }

  wordsOfEntry(record: number): number {
    return this.version(record) === 1 ? GrantEntryV1.words : GrantEntryV2.words
  }

  /** The entry's flags, those in its status among them. */
  flags(record: number, ref: GrantRef): number {
    const flags = Atomics.load(this.#xen.memory.words, this.wordOf(record, ref)) & 0xffff
    return this.version(record) === 1 ? flags : flags | this.status(record, ref)
  }

  /** Of a version 2 table: what stands in the entry's status. */
  status(record: number, ref: GrantRef): number {
    return this.#statusPage(record, ref).load16(ref % GRANT_STATUSES_PER_FRAME)
  }

  setStatus(record: number, ref: GrantRef, status: number): void {
    this.#statusPage(record, ref).store16(ref % GRANT_STATUSES_PER_FRAME, status)
  }

  /** Marks the entry as in use if it permits that. @returns a GNTST_* status */
  mark(record: number, ref: GrantRef, request: PinRequest): GrantStatus {
    const page = this.#page(record, ref)
    if (this.version(record) === 1) return pinEntry(page, ref % GRANT_ENTRIES_PER_FRAME, request)
    const index = ref % GRANT_ENTRIES_V2_PER_FRAME
    return pinEntryV2(page, index, this.#statusPage(record, ref), ref % GRANT_STATUSES_PER_FRAME, request)
  }

  /** Takes marks (GrantFlag.reading, writing) off. */
  unmark(record: number, ref: GrantRef, marks: number): void {
    if (this.version(record) === 1) unpinEntry(this.#page(record, ref), ref % GRANT_ENTRIES_PER_FRAME, marks)
    else unpinEntryV2(this.#statusPage(record, ref), ref % GRANT_STATUSES_PER_FRAME, marks)
  }

  /** Fetches what an entry grants. */
  fetch(record: number, ref: GrantRef, into: Granted): void {
    into.isTransitive = false
    into.isSubPage = false
    into.offset = 0
    into.length = PAGE_WORDS * 4
    if (this.version(record) === 1) into.frame = pinnedFrame(this.#page(record, ref), ref % GRANT_ENTRIES_PER_FRAME)
    else this.#fetchV2(record, ref, into)
  }

  #fetchV2(record: number, ref: GrantRef, into: Granted): void {
    const words = this.#private
    fetchEntryV2(this.#page(record, ref), ref % GRANT_ENTRIES_V2_PER_FRAME, words)
    const flags = words[0]! & 0xffff
    into.frame = GrantEntryV2.at.frame.getNumber(words, 0)
    into.isTransitive = (flags & GrantFlag.typeMask) === GrantFlag.transitive
    if (into.isTransitive) {
      into.transDomid = GrantEntryV2Transitive.at.transDomid.get(words, 0) as Domid
      into.transRef = GrantEntryV2Transitive.at.gref.get(words, 0) as GrantRef
    } else if (flags & GrantFlag.subPage) {
      into.isSubPage = true
      into.offset = GrantEntryV2SubPage.at.pageOff.get(words, 0)
      into.length = GrantEntryV2SubPage.at.length.get(words, 0)
    }
  }

  #perFrame(record: number): number {
    return this.version(record) === 1 ? GRANT_ENTRIES_PER_FRAME : GRANT_ENTRIES_V2_PER_FRAME
  }

  #page(record: number, ref: GrantRef): FlatMemory {
    const { memory, tables } = this.#xen
    return memory.frame(tables.grants.frameAt(record, Math.floor(ref / this.#perFrame(record))))
  }

  #statusPage(record: number, ref: GrantRef): FlatMemory {
    const { memory, tables } = this.#xen
    return memory.frame(tables.statuses.frameAt(record, Math.floor(ref / GRANT_STATUSES_PER_FRAME)))
  }
}

/** A place to fetch into. */
export const emptyGranted = (): Granted => ({
  frame: 0,
  isTransitive: false,
  isSubPage: false,
  offset: 0,
  length: 0,
  transDomid: 0 as Domid,
  transRef: 0 as GrantRef,
})
