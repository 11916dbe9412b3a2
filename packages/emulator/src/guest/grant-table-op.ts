import type { Domid, FrameNumber, SharedMemory } from '@split-driver/abi'
import type {
  CacheFlush,
  GrantCopy,
  GrantFramesAnswer,
  GrantFramesRequest,
  GrantStatus,
  GrantTableOp,
  GrantTableSize,
  MapGrantRef,
  MappedGrantRef,
  SwapGrantRef,
  TransferFrame,
  UnmapAndReplace,
  UnmapGrantRef,
} from '@split-driver/grant'
import type { GrantCalls } from '../hypervisor/grant-calls.js'
import { FrameMemory } from '../memory/frame-memory.js'
import type { MachineMemory } from '../memory/machine-memory.js'

/** One domain's grant-table hypercalls, as its kernel makes them. */
export class EmulatedGrantTableOp implements GrantTableOp {
  readonly #domid: Domid
  readonly #memory: MachineMemory
  readonly #calls: GrantCalls
  readonly #pages = new Map<FrameNumber, FrameMemory>()

  constructor(domid: Domid, memory: MachineMemory, calls: GrantCalls) {
    this.#domid = domid
    this.#memory = memory
    this.#calls = calls
  }

  mapGrantRef(ops: readonly MapGrantRef[]): MappedGrantRef[] {
    return this.#calls.mapGrantRef(this.#domid, ops)
  }

  unmapGrantRef(ops: readonly UnmapGrantRef[]): GrantStatus[] {
    return this.#calls.unmapGrantRef(this.#domid, ops)
  }

  unmapAndReplace(ops: readonly UnmapAndReplace[]): GrantStatus[] {
    return this.#calls.unmapAndReplace(this.#domid, ops)
  }

  setupTable(op: GrantFramesRequest): GrantFramesAnswer {
    return this.#calls.setupTable(this.#domid, op)
  }

  transfer(ops: readonly TransferFrame[]): GrantStatus[] {
    return this.#calls.transfer(this.#domid, ops)
  }

  copy(ops: readonly GrantCopy[]): GrantStatus[] {
    return this.#calls.copyGrants(this.#domid, ops)
  }

  querySize(dom: Domid): GrantTableSize {
    return this.#calls.querySize(this.#domid, dom)
  }

  /** Version 1 has no status pages: those that were handed out are out of reach then. */
  setVersion(version: number): void {
    this.#calls.setVersion(this.#domid, version)
    for (const [frame, page] of this.#pages) {
      if (this.#calls.ownsPage(this.#domid, frame)) continue
      page.invalidate()
      this.#pages.delete(frame)
    }
  }

  getVersion(dom: Domid): 1 | 2 {
    return this.#calls.getVersion(this.#domid, dom)
  }

  getStatusFrames(op: GrantFramesRequest): GrantFramesAnswer {
    return this.#calls.getStatusFrames(this.#domid, op)
  }

  swapGrantRef(ops: readonly SwapGrantRef[]): GrantStatus[] {
    return this.#calls.swapGrantRef(this.#domid, ops)
  }

  cacheFlush(ops: readonly CacheFlush[]): void {
    this.#calls.cacheFlush(this.#domid, ops)
  }

  page(frame: FrameNumber): SharedMemory {
    const known = this.#pages.get(frame)
    if (known) return known
    if (!this.#calls.ownsPage(this.#domid, frame))
      throw new RangeError(`frame ${frame} is no page of domain ${this.#domid}'s grant table`)
    const page = new FrameMemory(this.#memory, frame, 1, 'writable')
    this.#pages.set(frame, page)
    return page
  }

  /** The domain is no more: pages that were handed out are out of reach. */
  invalidateAll(): void {
    for (const page of this.#pages.values()) page.invalidate()
    this.#pages.clear()
  }
}
