import { type Domid, type FrameNumber, type GrantRef, PAGE_BYTES, type SharedMemory, XenError } from '@split-driver/abi'
import { GRANT_ENTRIES_PER_FRAME, GrantEntryV1, GrantFlag } from './grant-entry.js'
import type { GrantAccess } from './grant-sharer.js'
import type { GrantEntryState, GrantTable } from './grant-table.js'

/** How often Xen may change the flags under our hands before we call the entry busy. */
const MAX_RETRIES = 16

/** The guest's side of a version 1 grant table. @see xen/include/public/grant_table.h; rules 67–69 */
export class GrantTableV1 implements GrantTable {
  readonly version = 1
  readonly #frames: SharedMemory[]

  /** @param frames the table's pages in their order; each 4096 bytes */
  constructor(frames: readonly SharedMemory[]) {
    this.#frames = []
    for (const frame of frames) this.addFrame(frame)
  }

  get entryCount(): number {
    return this.#frames.length * GRANT_ENTRIES_PER_FRAME
  }

  addFrame(frame: SharedMemory): void {
    if (frame.byteLength !== PAGE_BYTES) throw new RangeError(`a grant frame has 4096 bytes, not ${frame.byteLength}`)
    this.#frames.push(frame)
  }

  grantAccess(ref: GrantRef, domid: Domid, frame: FrameNumber, access: GrantAccess): void {
    const page = this.#frameOf(ref)
    const halfWord = flagsHalfWord(ref)
    if (page.load16(halfWord) !== GrantFlag.invalid) throw inUse(ref)
    page.store16(halfWord + 1, domid)
    page.storeOrdered((halfWord >> 1) + GrantEntryV1.at.frame.word, frame)
    const flags = GrantFlag.permitAccess | (access === 'read-only' ? GrantFlag.readonly : 0)
    if (page.compareExchange16(halfWord, GrantFlag.invalid, flags) !== GrantFlag.invalid) throw inUse(ref)
  }

  /** As `GrantTable` says. While the entry is in use nothing changes: whoever it is granted to can map it once more. */
  endAccess(ref: GrantRef): boolean {
    const page = this.#frameOf(ref)
    const halfWord = flagsHalfWord(ref)
    let seen = page.load16(halfWord)
    for (let retry = 0; retry < MAX_RETRIES; retry++) {
      if (seen & (GrantFlag.reading | GrantFlag.writing)) return false
      const found = page.compareExchange16(halfWord, seen, GrantFlag.invalid)
      if (found === seen) return true
      seen = found
    }
    return false
  }

  query(ref: GrantRef): GrantEntryState {
    const page = this.#frameOf(ref)
    const halfWord = flagsHalfWord(ref)
    const word = page.loadOrdered(halfWord >> 1)
    const flags = word & 0xffff
    return {
      flags,
      domid: (word >>> 16) as Domid,
      frame: (page.load((halfWord >> 1) + GrantEntryV1.at.frame.word) >>> 0) as FrameNumber,
      inUse: (flags & (GrantFlag.reading | GrantFlag.writing)) !== 0,
    }
  }

  #frameOf(ref: GrantRef): SharedMemory {
    const frame = this.#frames[Math.floor(ref / GRANT_ENTRIES_PER_FRAME)]
    if (frame === undefined) throw new RangeError(`grant reference ${ref} lies outside ${this.entryCount} entries`)
    return frame
  }
}

/** Where an entry's flags lie in its page; its domid is the next half word. */
const flagsHalfWord = (ref: GrantRef): number => ((ref % GRANT_ENTRIES_PER_FRAME) * GrantEntryV1.bytes) >> 1

const inUse = (ref: GrantRef): XenError =>
  new XenError('EBUSY', `grant reference ${ref} is in use`, { detail: { gref: ref } })
