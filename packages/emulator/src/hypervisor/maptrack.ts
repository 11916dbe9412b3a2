import type { GrantHandle } from '@split-driver/grant'
import type { Hypervisor } from './hypervisor.js'
import { domainRecord, HANDLES_PER_FRAME, maptrackRecord } from './machine-layout.js'

/**
 * The mappings that each domain holds, by handle. Free handles are a queue through their own records: one that was released
 * comes again last, so that a handle that is used twice by mistake is found out. Callers hold the machine's lock.
 */
export class Maptrack {
  readonly #xen: Hypervisor
  readonly #words: Int32Array

  constructor(xen: Hypervisor) {
    this.#xen = xen
    this.#words = xen.memory.words
  }

  /** Takes a free handle; −1 if the domain has all in use that it may have, or the machine has no frame left. */
  claim(record: number): GrantHandle {
    const { domains, tables } = this.#xen
    const head = domains.get(record, domainRecord.freeHandle)
    if (head === 0) return this.#grow(record)
    const next = this.#words[tables.maptrack.wordOf(record, head - 1) + maptrackRecord.ref]!
    domains.set(record, domainRecord.freeHandle, next)
    return head - 1
  }

  release(record: number, handle: GrantHandle): void {
    const { domains, tables } = this.#xen
    const word = tables.maptrack.wordOf(record, handle)
    this.#words.fill(0, word, word + maptrackRecord.words)
    if (domains.get(record, domainRecord.freeHandle) === 0) domains.set(record, domainRecord.freeHandle, handle + 1)
    else {
      const last = domains.get(record, domainRecord.lastFreeHandle) - 1
      this.#words[tables.maptrack.wordOf(record, last) + maptrackRecord.ref] = handle + 1
    }
    domains.set(record, domainRecord.lastFreeHandle, handle + 1)
  }

  /** Word index of a mapping's record; −1 if the handle names none. */
  find(record: number, handle: GrantHandle): number {
    if (handle >>> 0 !== handle) return -1
    const word = this.#xen.tables.maptrack.wordOf(record, handle)
    return word >= 0 && (this.#words[word + maptrackRecord.flags]! & 0xffff) !== 0 ? word : -1
  }

  /** One more than the highest handle there may be. */
  reach(record: number): number {
    return this.#xen.tables.maptrack.reach(record)
  }

  /** A new frame of handles: the first is the caller's, the others are free. */
  #grow(record: number): GrantHandle {
    const { domains, tables } = this.#xen
    const first = this.reach(record)
    if (first >= domains.get(record, domainRecord.maxMaptrackFrames) * HANDLES_PER_FRAME) return -1
    if (tables.maptrack.ensure(record, first) < 0) return -1
    for (let handle = first + 1; handle < first + HANDLES_PER_FRAME; handle++) this.release(record, handle)
    return first
  }
}
