import { type FrameNumber, type GrantRef, PAGE_WORDS, XenError } from '@split-driver/abi'
import {
  GRANT_ENTRIES_V2_PER_FRAME,
  GRANT_RESERVED_ENTRIES,
  GRANT_STATUSES_PER_FRAME,
  GrantEntryV1,
  GrantEntryV2,
  GrantFlag,
  type GrantFramesAnswer,
  GrantStatus,
} from '@split-driver/grant'
import type { GrantEntries } from './grant-entries.js'
import type { GrantPins } from './grant-pins.js'
import type { Hypervisor } from './hypervisor.js'
import { domainRecord } from './machine-layout.js'

const MARKS = GrantFlag.reading | GrantFlag.writing

/** A reserved entry, in what both versions have in common. */
interface ReservedEntry {
  readonly flags: number
  readonly domid: number
  readonly frame: number
}

/** A request for frames that is refused. */
export const noFrames = (status: GrantStatus): GrantFramesAnswer => ({ status, frameList: [] })

/** Size and version of every domain's grant table. Domains are named by their record; callers hold the lock. */
export class GrantTables {
  readonly #xen: Hypervisor
  readonly #entries: GrantEntries
  readonly #pins: GrantPins

  constructor(xen: Hypervisor, entries: GrantEntries, pins: GrantPins) {
    this.#xen = xen
    this.#entries = entries
    this.#pins = pins
  }

  frames(record: number): number {
    return this.#xen.domains.get(record, domainRecord.grantFrames)
  }

  maxFrames(record: number): number {
    return this.#xen.domains.get(record, domainRecord.maxGrantFrames)
  }

  /** GNTTABOP_setup_table. @see xen/common/grant_table.c gnttab_setup_table */
  setup(record: number, nrFrames: number): GrantFramesAnswer {
    const { tables } = this.#xen
    if (!isCount(nrFrames) || nrFrames > this.maxFrames(record)) return noFrames(GrantStatus.GNTST_general_error)
    if (!this.#grow(record, nrFrames)) return noFrames(GrantStatus.GNTST_general_error)
    const frame = (_: unknown, slot: number) => tables.grants.frameAt(record, slot) as FrameNumber
    return { status: GrantStatus.GNTST_okay, frameList: Array.from({ length: nrFrames }, frame) }
  }

  /** GNTTABOP_get_status_frames. */
  statusFrames(record: number, nrFrames: number): GrantFramesAnswer {
    const { domains, tables } = this.#xen
    const there = domains.get(record, domainRecord.statusFrames)
    if (!isCount(nrFrames) || nrFrames > there) return noFrames(GrantStatus.GNTST_general_error)
    const frame = (_: unknown, slot: number) => tables.statuses.frameAt(record, slot) as FrameNumber
    return { status: GrantStatus.GNTST_okay, frameList: Array.from({ length: nrFrames }, frame) }
  }

  /** Is that a page of the domain's table, or of its statuses? */
  hasPage(record: number, frame: number): boolean {
    const { domains, tables } = this.#xen
    for (let slot = 0; slot < this.frames(record); slot++)
      if (tables.grants.frameAt(record, slot) === frame) return true
    for (let slot = 0; slot < domains.get(record, domainRecord.statusFrames); slot++)
      if (tables.statuses.frameAt(record, slot) === frame) return true
    return false
  }

  /**
   * GNTTABOP_set_version. What the toolstack granted (the first entries) goes over to the new form, all else is cleared.
   * @throws XenError EINVAL EBUSY ERANGE ENOMEM
   * @see xen/common/grant_table.c gnttab_set_version
   */
  setVersion(record: number, version: number): void {
    if (version !== 1 && version !== 2) throw new XenError('EINVAL', `there is no grant table version ${version}`)
    if (version === this.#entries.version(record)) return
    if (this.#isInUse(record)) throw new XenError('EBUSY', 'grants are in use; the version of their table must stay')
    const reserved = this.#reservedEntries(record)
    if (version === 1 && reserved.some((entry) => entry === undefined))
      throw new XenError('ERANGE', 'a reserved grant cannot be said in version 1')
    const { domains, memory, tables } = this.#xen
    if (version === 1) tables.statuses.free(record)
    else if (!this.#growStatuses(record, this.frames(record)))
      throw new XenError('ENOMEM', 'the machine has no frame for grant statuses')
    for (let slot = 0; slot < this.frames(record); slot++) {
      const first = tables.grants.frameAt(record, slot) * PAGE_WORDS
      memory.words.fill(0, first, first + PAGE_WORDS)
    }
    domains.set(record, domainRecord.grantVersion, version)
    reserved.forEach((entry, ref) => {
      if (entry && entry.flags !== GrantFlag.invalid) this.#restore(record, ref as GrantRef, entry)
    })
  }

  /** GNTTABOP_swap_grant_ref. */
  swap(record: number, refA: GrantRef, refB: GrantRef): GrantStatus {
    const entries = this.#entries
    if (!entries.has(record, refA) || !entries.has(record, refB)) return GrantStatus.GNTST_bad_gntref
    if (refA === refB) return GrantStatus.GNTST_okay
    if (this.#pins.pins(record, refA) !== 0 || this.#pins.pins(record, refB) !== 0) return GrantStatus.GNTST_eagain
    const { words } = this.#xen.memory
    const [a, b] = [entries.wordOf(record, refA), entries.wordOf(record, refB)]
    for (let i = 0; i < entries.wordsOfEntry(record); i++) {
      const word = words[a + i]!
      words[a + i] = words[b + i]!
      words[b + i] = word
    }
    if (entries.version(record) === 2) {
      const status = entries.status(record, refA)
      entries.setStatus(record, refA, entries.status(record, refB))
      entries.setStatus(record, refB, status)
    }
    return GrantStatus.GNTST_okay
  }

  /** All or nothing. */
  #grow(record: number, nrFrames: number): boolean {
    const { tables } = this.#xen
    const before = this.frames(record)
    for (let slot = before; slot < nrFrames; slot++)
      if (tables.grants.ensure(record, slot) < 0) {
        tables.grants.truncate(record, before)
        return false
      }
    if (this.#entries.version(record) === 1 || this.#growStatuses(record, this.frames(record))) return true
    tables.grants.truncate(record, before)
    return false
  }

  #growStatuses(record: number, grantFrames: number): boolean {
    const { domains, tables } = this.#xen
    const before = domains.get(record, domainRecord.statusFrames)
    const wanted = Math.ceil((grantFrames * GRANT_ENTRIES_V2_PER_FRAME) / GRANT_STATUSES_PER_FRAME)
    for (let slot = before; slot < wanted; slot++)
      if (tables.statuses.ensure(record, slot) < 0) {
        tables.statuses.truncate(record, before)
        return false
      }
    return true
  }

  /** Is any entry in use but those of the toolstack? */
  #isInUse(record: number): boolean {
    let reserved = 0
    for (let ref = 0 as GrantRef; ref < GRANT_RESERVED_ENTRIES; ref = (ref + 1) as GrantRef)
      if (this.#pins.pins(record, ref) !== 0) reserved++
    return this.#xen.domains.get(record, domainRecord.pinnedGrants) > reserved
  }

  /** `undefined` for one that has no form in version 1. What grants nothing is empty. */
  #reservedEntries(record: number): (ReservedEntry | undefined)[] {
    return Array.from({ length: GRANT_RESERVED_ENTRIES }, (_, ref) => {
      const { words } = this.#xen.memory
      const word = this.#entries.wordOf(record, ref as GrantRef)
      const flags = this.#entries.flags(record, ref as GrantRef)
      const domid = words[word]! >>> 16
      if (this.#entries.version(record) === 1) return { flags, domid, frame: GrantEntryV1.at.frame.get(words, word) }
      // Of the guest's own flags: its status may hold anything, too.
      const type = words[word]! & GrantFlag.typeMask
      if (type === GrantFlag.transitive) return undefined
      if (type !== GrantFlag.permitAccess) return { flags: GrantFlag.invalid, domid: 0, frame: 0 }
      const frame = GrantEntryV2.at.frame.getNumber(words, word)
      return frame < 2 ** 32 ? { flags, domid, frame } : undefined
    })
  }

  #restore(record: number, ref: GrantRef, { flags, domid, frame }: ReservedEntry): void {
    const { words } = this.#xen.memory
    const word = this.#entries.wordOf(record, ref)
    if (this.#entries.version(record) === 1) {
      GrantEntryV1.write(words, { flags, domid, frame }, word)
      return
    }
    GrantEntryV2.write(words, { hdr: { flags: flags & ~MARKS, domid }, frame: BigInt(frame) }, word)
    this.#entries.setStatus(record, ref, flags & MARKS)
  }
}

const isCount = (value: number): boolean => Number.isInteger(value) && value >= 0
