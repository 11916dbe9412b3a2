import { type Domid, type FrameNumber, type GrantRef, PAGE_BYTES, type SharedMemory, XenError } from '@split-driver/abi'
import { GrantFlag } from './grant-entry.js'
import {
  GRANT_ENTRIES_V2_PER_FRAME,
  GRANT_STATUSES_PER_FRAME,
  GrantEntryV2,
  GrantEntryV2SubPage,
  GrantEntryV2Transitive,
} from './grant-entry-v2.js'
import type { GrantAccess } from './grant-sharer.js'
import type { GrantEntryState, GrantTable } from './grant-table.js'

const IN_USE = GrantFlag.reading | GrantFlag.writing

/** Bytes of one page. */
export interface SubPage {
  readonly frame: FrameNumber
  /** Bytes from the start of the page. */
  readonly offset: number
  /** Bytes; the range must not cross the page's end. */
  readonly length: number
}

/** A grant that another domain made to us. */
export interface PeerGrant {
  readonly domid: Domid
  readonly ref: GrantRef
}

/** What an entry of a version 2 table says. `frame` means nothing where `transitive` is there. */
export interface GrantEntryV2State extends GrantEntryState {
  readonly subPage: { readonly offset: number; readonly length: number } | undefined
  readonly transitive: PeerGrant | undefined
}

/**
 * The guest's side of a version 2 grant table: entries of 16 bytes, and apart from them a status each, which only Xen
 * writes. @see xen/include/public/grant_table.h; rules 67–71
 */
export class GrantTableV2 implements GrantTable {
  readonly version = 2
  readonly #frames: SharedMemory[] = []
  readonly #statusFrames: SharedMemory[] = []
  /** Access to them was taken back while they were in use: their flags look free, and they are not. */
  readonly #ending = new Set<GrantRef>()
  readonly #private = new Int32Array(GrantEntryV2.words)

  /** @param frames the table's pages in their order, `statusFrames` those of its statuses; each 4096 bytes */
  constructor(frames: readonly SharedMemory[], statusFrames: readonly SharedMemory[]) {
    for (const frame of frames) this.addFrame(frame)
    for (const frame of statusFrames) this.addStatusFrame(frame)
  }

  /** Entries that have a place for their status, too. */
  get entryCount(): number {
    return Math.min(
      this.#frames.length * GRANT_ENTRIES_V2_PER_FRAME,
      this.#statusFrames.length * GRANT_STATUSES_PER_FRAME,
    )
  }

  addFrame(frame: SharedMemory): void {
    this.#frames.push(wholePage(frame))
  }

  /** The table grew by a page of statuses. */
  addStatusFrame(frame: SharedMemory): void {
    this.#statusFrames.push(wholePage(frame))
  }

  grantAccess(ref: GrantRef, domid: Domid, frame: FrameNumber, access: GrantAccess): void {
    GrantEntryV2.at.frame.setNumber(this.#private.fill(0), 0, frame)
    this.#publish(ref, domid, GrantFlag.permitAccess | readonlyFlag(access))
  }

  /**
   * Lets `domid` copy bytes of a page; it cannot map them (rule 71).
   * @throws XenError EBUSY if the entry is not free; RangeError if the bytes are not all in one page
   */
  grantSubPage(ref: GrantRef, domid: Domid, { frame, offset, length }: SubPage, access: GrantAccess): void {
    if (!isCount(offset) || !isCount(length) || offset + length > PAGE_BYTES)
      throw new RangeError(`bytes ${offset} to ${offset + length} do not lie in one page`)
    GrantEntryV2SubPage.write(this.#private.fill(0), { pageOff: offset, length, frame: BigInt(frame) })
    this.#publish(ref, domid, GrantFlag.permitAccess | GrantFlag.subPage | readonlyFlag(access))
  }

  /**
   * Lets `domid` copy through a grant that `source.domid` made to us; it cannot map it (rule 71), nor pass it on.
   * @throws XenError EBUSY if the entry is not free
   */
  grantTransitive(ref: GrantRef, domid: Domid, source: PeerGrant, access: GrantAccess): void {
    GrantEntryV2Transitive.write(this.#private.fill(0), { transDomid: source.domid, gref: source.ref })
    this.#publish(ref, domid, GrantFlag.transitive | readonlyFlag(access))
  }

  /**
   * As `GrantTable` says. Nobody can begin to use the entry from here on, also when it is in use still: flags are cleared,
   * and only then, behind a barrier, the status is read (rule 69). Xen does the reverse: status first, then flags again.
   * GTF_readonly stays while it is in use, or whoever has it mapped for reading could map it for writing, too.
   */
  endAccess(ref: GrantRef): boolean {
    const page = this.#frameOf(ref)
    const word = headerWord(ref)
    page.and(word, ~0xffff | GrantFlag.readonly)
    const ended = (this.#statusOf(ref) & IN_USE) === 0
    if (ended) {
      page.and(word, ~0xffff)
      this.#ending.delete(ref)
    } else this.#ending.add(ref)
    return ended
  }

  query(ref: GrantRef): GrantEntryV2State {
    const words = this.#private
    this.#frameOf(ref).copyOut(headerWord(ref), GrantEntryV2.words, words, 0)
    const { hdr } = GrantEntryV2.read(words)
    const status = this.#statusOf(ref) & IN_USE
    const type = hdr.flags & GrantFlag.typeMask
    const { pageOff, length } = GrantEntryV2SubPage.read(words)
    const { transDomid, gref } = GrantEntryV2Transitive.read(words)
    return {
      flags: hdr.flags | status,
      domid: hdr.domid as Domid,
      frame: GrantEntryV2.at.frame.getNumber(words, 0) as FrameNumber,
      inUse: status !== 0,
      subPage:
        type === GrantFlag.permitAccess && hdr.flags & GrantFlag.subPage ? { offset: pageOff, length } : undefined,
      transitive: type === GrantFlag.transitive ? { domid: transDomid as Domid, ref: gref as GrantRef } : undefined,
    }
  }

  /** Publishes what was prepared in private words: its body, its domid, and last of all its flags (rule 68). */
  #publish(ref: GrantRef, domid: Domid, flags: number): void {
    const page = this.#frameOf(ref)
    const word = headerWord(ref)
    if (this.#ending.has(ref) || page.load16(word * 2) !== GrantFlag.invalid) throw inUse(ref)
    page.copyIn(word + 1, this.#private, 1, GrantEntryV2.words - 1)
    page.store16(word * 2 + 1, domid)
    if (page.compareExchange16(word * 2, GrantFlag.invalid, flags) !== GrantFlag.invalid) throw inUse(ref)
  }

  #statusOf(ref: GrantRef): number {
    const page = this.#statusFrames[Math.floor(ref / GRANT_STATUSES_PER_FRAME)]!
    const place = ref % GRANT_STATUSES_PER_FRAME
    return (page.loadOrdered(place >> 1) >>> ((place & 1) * 16)) & 0xffff
  }

  #frameOf(ref: GrantRef): SharedMemory {
    if (ref < 0 || ref >= this.entryCount)
      throw new RangeError(`grant reference ${ref} lies outside ${this.entryCount} entries`)
    return this.#frames[Math.floor(ref / GRANT_ENTRIES_V2_PER_FRAME)]!
  }
}

/** Where an entry's flags and domid lie in its page. */
const headerWord = (ref: GrantRef): number => (ref % GRANT_ENTRIES_V2_PER_FRAME) * GrantEntryV2.words

const readonlyFlag = (access: GrantAccess): number => (access === 'read-only' ? GrantFlag.readonly : 0)

const isCount = (value: number): boolean => Number.isInteger(value) && value >= 0

const wholePage = (frame: SharedMemory): SharedMemory => {
  if (frame.byteLength !== PAGE_BYTES) throw new RangeError(`a grant frame has 4096 bytes, not ${frame.byteLength}`)
  return frame
}

const inUse = (ref: GrantRef): XenError =>
  new XenError('EBUSY', `grant reference ${ref} is in use`, { detail: { gref: ref } })
