import { type Domid, type GrantRef, PAGE_BYTES, XenError } from '@split-driver/abi'
import type { EventChannels } from '@split-driver/evtchn'
import type { GrantMapper, Mapping } from '@split-driver/grant'
import type { MappedRange } from '@split-driver/privcmd'
import { IoctlArgument, ioctlNumber } from './emulated-nodes-argument.js'
import type { GrantCopies } from './emulated-nodes-copy.js'
import { type MapAccess, NodeFile, type PageRange } from './emulated-nodes-file.js'
import { RevocableMemory } from './emulated-nodes-memory.js'
import { UnmapNotice } from './emulated-nodes-notice.js'
import type { KernelPorts } from './emulated-nodes-ports.js'
import { refused } from './emulated-nodes-refusal.js'

/** @see xen/sys/gntdev.h */
const MAP_GRANT_REF = ioctlNumber('G', 0, 24)
const UNMAP_GRANT_REF = ioctlNumber('G', 1, 16)
const SET_UNMAP_NOTIFY = ioctlNumber('G', 7, 16)
const GRANT_COPY = ioctlNumber('G', 8, 16)

/** Offset of `refs`, and bytes of each. */
const REFS_AT = 16
const REF_BYTES = 8
/** Pages of one range at most. @see Linux, drivers/xen/gntdev.c, module parameter `limit` */
const MAX_PAGES = 65_536

export interface GntdevParts {
  readonly mapper: GrantMapper
  readonly events: EventChannels
  readonly ports: KernelPorts
  readonly copies: GrantCopies
}

/** References that were announced by MAP_GRANT_REF, at their place in the file. */
interface Slot {
  readonly first: number
  readonly domid: Domid
  readonly refs: readonly GrantRef[]
  /** Once a range of it was asked for, no other can be. */
  used: boolean
  notice: UnmapNotice | undefined
  mapped: { readonly range: MappedRange; readonly memory: RevocableMemory; readonly mapping: Mapping } | undefined
}

/**
 * /dev/xen/gntdev: MAP_GRANT_REF only takes note; the grants are mapped by mmap, all at once, and whatever is wrong with
 * one of them is EINVAL. The note stays until UNMAP_GRANT_REF, which the header wants after munmap: here that is demanded.
 */
export class GntdevFile extends NodeFile {
  readonly #parts: GntdevParts
  /** By their places, lowest first. */
  readonly #slots: Slot[] = []

  constructor(path: string, parts: GntdevParts) {
    super(path)
    this.#parts = parts
  }

  ioctl(request: number, bytes: Uint8Array): number {
    const argument = new IoctlArgument(bytes, (request >>> 16) & 0x3fff)
    if (request === MAP_GRANT_REF) this.#note(argument)
    else if (request === UNMAP_GRANT_REF) this.#forget(argument)
    else if (request === SET_UNMAP_NOTIFY) this.#setNotice(argument)
    else if (request === GRANT_COPY) this.#parts.copies.copyAll(argument)
    else throw refused('ENOTTY', `${this.path} has no request ${request.toString(16)}`)
    return 0
  }

  override mapPages({ first, count }: PageRange, access: MapAccess): MappedRange {
    const slot = this.#slots.find((each) => each.first === first && each.refs.length === count)
    if (slot === undefined) throw refused('EINVAL', `no ${count} references were noted at page ${first}`)
    if (slot.used) throw refused('EINVAL', `the references at page ${first} have had their range`)
    slot.used = true
    const mapping = this.#map(slot, access)
    const memory = new RevocableMemory(mapping.memory)
    const range = { byteLength: count * PAGE_BYTES, memory: memory.memory }
    slot.mapped = { range, memory, mapping }
    return range
  }

  override holdings(): string[] {
    const noted = this.#slots.map(({ refs, domid }) => `grants ${refs} of domain ${domid}, noted by ${this.path}`)
    return [...super.holdings(), ...noted]
  }

  protected override unmapped(range: MappedRange): void {
    const slot = this.#slots.find(({ mapped }) => mapped?.range === range)
    if (slot?.mapped === undefined) return
    const { memory, mapping } = slot.mapped
    slot.notice?.clear(mapping.memory)
    memory.revoke()
    slot.mapped = undefined
    this.#parts.mapper.unmap(mapping)
  }

  protected release(): void {
    for (const slot of this.#slots.splice(0)) slot.notice?.send()
  }

  #note(argument: IoctlArgument): void {
    const count = argument.u32(0)
    if (count === 0 || count > MAX_PAGES) throw refused('EINVAL', `${count} references`)
    const refs = Array.from({ length: count }, (_, i) => argument.u32(REFS_AT + REF_BYTES * i + 4) as GrantRef)
    const domids = new Set(Array.from({ length: count }, (_, i) => argument.u32(REFS_AT + REF_BYTES * i) as Domid))
    const [domid] = domids
    if (domids.size > 1) throw new TypeError('the emulated node maps the grants of one domain at a time')
    const first = this.#gapFor(count)
    this.#slots.push({ first, domid: domid!, refs, used: false, notice: undefined, mapped: undefined })
    this.#slots.sort((one, other) => one.first - other.first)
    argument.setU64(8, first * PAGE_BYTES)
  }

  /** The lowest place that is free; numbers come back as soon as they were given back. */
  #gapFor(count: number): number {
    let first = 0
    for (const slot of this.#slots) {
      if (first + count < slot.first) break
      first = slot.first + slot.refs.length
    }
    return first
  }

  #forget(argument: IoctlArgument): void {
    const [first, count] = [argument.u64(0) / PAGE_BYTES, argument.u32(8)]
    const at = this.#slots.findIndex((slot) => slot.first === first && (count === 0 || slot.refs.length === count))
    const slot = this.#slots[at]
    if (slot === undefined) throw refused('ENOENT', `no ${count} references were noted at page ${first}`)
    if (slot.mapped) throw refused('EINVAL', `the references at page ${first} are still mapped`)
    this.#slots.splice(at, 1)
    slot.notice?.send()
  }

  #setNotice(argument: IoctlArgument): void {
    const { ports, events } = this.#parts
    const index = argument.u64(0)
    const page = Math.floor(index / PAGE_BYTES)
    const slot = this.#slots.find(({ first, refs }) => page >= first && page < first + refs.length)
    if (slot === undefined) throw refused('ENOENT', `no references were noted at offset ${index}`)
    const notice = new UnmapNotice(argument, index - slot.first * PAGE_BYTES, ports, events)
    if (notice.clears && slot.mapped?.mapping.access === 'read-only') {
      notice.drop()
      throw refused('EINVAL', 'a byte cannot be cleared through a read-only mapping')
    }
    slot.notice?.drop()
    slot.notice = notice
  }

  #map({ domid, refs }: Slot, access: MapAccess): Mapping {
    try {
      return this.#parts.mapper.map(domid, refs, access)
    } catch (error) {
      if (!(error instanceof XenError)) throw error
      throw refused('EINVAL', error.message)
    }
  }
}
