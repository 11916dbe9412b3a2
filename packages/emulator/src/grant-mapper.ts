import { type Domid, type GrantRef, type SharedMemory, XenError } from '@split-driver/abi'
import type { GrantAccess, GrantCopyEnd, GrantMapper, Mapping, UnmapNotice, UnmapNotifier } from '@split-driver/grant'
import type { GrantCalls, HeldMapping } from './hypervisor/grant-calls.js'
import { FrameMemory } from './memory/frame-memory.js'
import type { MachineMemory } from './memory/machine-memory.js'
import { ScatteredMemory } from './memory/scattered-memory.js'
import type { UnmapNotices } from './unmap-notices.js'

/** Maps and copies a peer's pages by hypercall. */
export class EmulatedGrantMapper implements GrantMapper, UnmapNotifier<Mapping> {
  readonly #domid: Domid
  readonly #memory: MachineMemory
  readonly #calls: GrantCalls
  readonly #notices: UnmapNotices
  readonly #live = new Set<EmulatedMapping>()
  #gone = false

  constructor(domid: Domid, memory: MachineMemory, calls: GrantCalls, notices: UnmapNotices) {
    this.#domid = domid
    this.#memory = memory
    this.#calls = calls
    this.#notices = notices
  }

  map(remoteDomid: Domid, refs: readonly GrantRef[], access: GrantAccess): Mapping {
    if (refs.length === 0) throw new RangeError('a mapping has at least one page')
    const held = this.#hypercalls.map(this.#domid, remoteDomid, refs, access)
    const mapping = new EmulatedMapping(this.#memory, remoteDomid, access, held)
    this.#live.add(mapping)
    return mapping
  }

  unmap(mapping: Mapping): void {
    const ours = this.#made(mapping)
    const notify = this.#notices.letGo(ours, ours.memory)
    ours.invalidate()
    this.#live.delete(ours)
    this.#hypercalls.unmap(this.#domid, ours.handles)
    notify()
  }

  notifyOnUnmap(mapping: Mapping, notice: UnmapNotice): void {
    const ours = this.#made(mapping)
    if (!this.#live.has(ours)) throw new XenError('GNTST_bad_handle', 'this mapping has ended already')
    this.#notices.ask(ours, ours.memory, ours.access === 'writable', notice)
  }

  copyFrom(remoteDomid: Domid, source: GrantCopyEnd, target: Uint8Array): void {
    this.#hypercalls.copy(this.#domid, remoteDomid, source.ref, source.offset, target, 'from')
  }

  copyTo(remoteDomid: Domid, source: Uint8Array, target: GrantCopyEnd): void {
    this.#hypercalls.copy(this.#domid, remoteDomid, target.ref, target.offset, source, 'to')
  }

  /** The domain is no more: whoever still runs its code must not reach a peer's pages any longer. */
  invalidateAll(): void {
    this.#gone = true
    for (const mapping of this.#live) mapping.invalidate()
    this.#live.clear()
    this.#notices.forgetAll()
  }

  /** @throws XenError ESRCH once the domain is no more, or has begun afresh: then its domid is another platform's */
  get #hypercalls(): GrantCalls {
    if (!this.#gone) return this.#calls
    throw new XenError('ESRCH', `domain ${this.#domid} is no more`, { detail: { domid: this.#domid } })
  }

  #made(mapping: Mapping): EmulatedMapping {
    if (mapping instanceof EmulatedMapping) return mapping
    throw new TypeError('this mapping was made by another world')
  }
}

class EmulatedMapping implements Mapping {
  readonly remoteDomid: Domid
  readonly access: GrantAccess
  readonly memory: SharedMemory
  readonly #held: readonly HeldMapping[]
  readonly #whole: FrameMemory | undefined
  readonly #pages: (FrameMemory | undefined)[]
  readonly #machine: MachineMemory
  #ended = false

  constructor(machine: MachineMemory, remoteDomid: Domid, access: GrantAccess, held: readonly HeldMapping[]) {
    this.#machine = machine
    this.remoteDomid = remoteDomid
    this.access = access
    this.#held = held
    this.#pages = new Array(held.length)
    const first = held[0]!.frame
    const sideBySide = held.every((mapping, i) => mapping.frame === first + i)
    this.#whole = sideBySide ? new FrameMemory(machine, first, held.length, access) : undefined
    this.memory = this.#whole ?? new ScatteredMemory(held.map((_, i) => this.page(i)))
  }

  get refs(): readonly GrantRef[] {
    return this.#held.map((mapping) => mapping.ref)
  }

  get handles(): readonly number[] {
    return this.#held.map((mapping) => mapping.handle)
  }

  page(index: number): FrameMemory {
    const mapping = this.#held[index]
    if (!mapping) throw new RangeError(`page ${index} lies outside this mapping of ${this.#held.length} pages`)
    if (this.#held.length === 1 && this.#whole) return this.#whole
    let page = this.#pages[index]
    if (!page) {
      page = new FrameMemory(this.#machine, mapping.frame, 1, this.access)
      if (this.#ended) page.invalidate()
      this.#pages[index] = page
    }
    return page
  }

  invalidate(): void {
    this.#ended = true
    this.#whole?.invalidate()
    for (const page of this.#pages) page?.invalidate()
  }
}
