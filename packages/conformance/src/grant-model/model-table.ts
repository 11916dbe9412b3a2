import type { Domid, FrameNumber, GrantRef } from '@split-driver/abi'
import { GrantFlag } from '@split-driver/grant'

export const MARKS = GrantFlag.reading | GrantFlag.writing

/** Entries that a change of version keeps. */
const RESERVED = 8

/** What an entry holds: as many words as the version has, the first of them flags and domid. */
export interface ModelEntry {
  words: readonly number[]
  /** Version 2: what stands in its status. In version 1 the marks are among the flags. */
  status: number
}

/** What an entry's words mean. */
export interface Meaning {
  readonly flags: number
  readonly domid: number
  readonly frame: number
  readonly extent: Extent
  /** Present if it passes on another domain's grant. */
  readonly through: { readonly domid: Domid; readonly ref: GrantRef } | undefined
}

/** Bytes of a page. */
export interface Extent {
  readonly isSubPage: boolean
  readonly offset: number
  readonly length: number
}

export const wholePage: Extent = { isSubPage: false, offset: 0, length: 4096 }

/** A domain's grant table, as a list of entries that are empty unless somebody wrote them. */
export class ModelTable {
  version: 1 | 2 = 1
  frames = 1
  readonly #entries = new Map<GrantRef, ModelEntry>()

  constructor(
    readonly domid: Domid,
    readonly isPrivileged: boolean,
    readonly maxFrames: number,
    readonly ownFrames: readonly FrameNumber[],
  ) {}

  get entryCount(): number {
    return this.frames * (this.version === 1 ? 512 : 256)
  }

  get statusFrames(): number {
    return this.version === 1 ? 0 : Math.ceil(this.frames / 8)
  }

  has(ref: number): boolean {
    return Number.isInteger(ref) && ref >= 0 && ref < this.entryCount
  }

  entry(ref: GrantRef): ModelEntry {
    let entry = this.#entries.get(ref)
    if (!entry) {
      entry = { words: this.version === 1 ? [0, 0] : [0, 0, 0, 0], status: 0 }
      this.#entries.set(ref, entry)
    }
    return entry
  }

  /** The guest overwrites an entry; it cannot be kept from that. */
  write(ref: GrantRef, words: readonly number[]): void {
    this.entry(ref).words = words.map((word) => word | 0)
  }

  swap(a: GrantRef, b: GrantRef): void {
    const [entryA, entryB] = [this.entry(a), this.entry(b)]
    this.#entries.set(a, entryB)
    this.#entries.set(b, entryA)
  }

  flags(ref: GrantRef): number {
    return this.entry(ref).words[0]! & 0xffff
  }

  setFlags(ref: GrantRef, flags: number): void {
    const entry = this.entry(ref)
    entry.words = [(entry.words[0]! & ~0xffff) | flags, ...entry.words.slice(1)]
  }

  marks(ref: GrantRef): number {
    return (this.version === 1 ? this.flags(ref) : this.entry(ref).status) & MARKS
  }

  setMarks(ref: GrantRef, marks: number): void {
    if (this.version === 1) this.setFlags(ref, (this.flags(ref) & ~MARKS) | marks)
    else this.entry(ref).status = (this.entry(ref).status & ~MARKS) | marks
  }

  meaning(ref: GrantRef): Meaning {
    const [head, second, third, fourth] = this.entry(ref).words as [number, number, number, number]
    const flags = head & 0xffff
    const domid = head >>> 16
    if (this.version === 1) return { flags, domid, frame: second >>> 0, extent: wholePage, through: undefined }
    const isThrough = (flags & GrantFlag.typeMask) === GrantFlag.transitive
    const isSubPage = !isThrough && (flags & GrantFlag.subPage) !== 0
    return {
      flags,
      domid,
      frame: (fourth >>> 0) * 2 ** 32 + (third >>> 0),
      extent: isSubPage ? { isSubPage, offset: second & 0xffff, length: second >>> 16 } : wholePage,
      through: isThrough ? { domid: (second & 0xffff) as Domid, ref: (third >>> 0) as GrantRef } : undefined,
    }
  }

  /** Can the reserved entries all be said in version 1? */
  get fitsVersion1(): boolean {
    for (let ref = 0 as GrantRef; ref < RESERVED; ref = (ref + 1) as GrantRef) {
      const { flags, frame, through } = this.meaning(ref)
      const isAccess = (flags & GrantFlag.typeMask) === GrantFlag.permitAccess
      if (through || (isAccess && frame >= 2 ** 32)) return false
    }
    return true
  }

  setVersion(version: 1 | 2): void {
    const kept = Array.from({ length: RESERVED }, (_, ref) => this.#kept(ref as GrantRef))
    this.version = version
    this.#entries.clear()
    kept.forEach(({ flags, domid, frame }, ref) => {
      const entry = this.entry(ref as GrantRef)
      const head = (domid << 16) | (version === 1 ? flags : flags & ~MARKS)
      entry.words = version === 1 ? [head, frame | 0] : [head, 0, frame | 0, 0]
      entry.status = version === 1 ? 0 : flags & MARKS
    })
  }

  /** What version 2 cannot take over from version 1 there is not; the other way only plain access goes over. */
  #kept(ref: GrantRef): { flags: number; domid: number; frame: number } {
    const { flags, domid, frame } = this.meaning(ref)
    const isKept = this.version === 1 ? flags !== 0 : (flags & GrantFlag.typeMask) === GrantFlag.permitAccess
    return isKept ? { flags: flags | this.entry(ref).status, domid, frame } : { flags: 0, domid: 0, frame: 0 }
  }
}
