import { type Domid, type GrantRef, PAGE_BYTES, type SharedMemory } from '@split-driver/abi'
import type { GrantAccess, GrantCopyEnd, GrantMapper, Mapping, UnmapNotice, UnmapNotifier } from '@split-driver/grant'
import { type DomainTracer, errorName } from './domain-tracer.js'
import { TracedMemory } from './traced-memory.js'

type Mapper = GrantMapper & Partial<UnmapNotifier<Mapping>>

/** A mapping in whose `memory` rings are followed. Single pages of several, which drivers take for data, come as they are. */
class TracedMapping implements Mapping {
  readonly remoteDomid: Domid
  readonly access: GrantAccess
  readonly #tracer: DomainTracer
  #memory: SharedMemory | undefined

  constructor(
    readonly below: Mapping,
    readonly held: number,
    tracer: DomainTracer,
  ) {
    this.remoteDomid = below.remoteDomid
    this.access = below.access
    this.#tracer = tracer
  }

  get refs(): readonly GrantRef[] {
    return this.below.refs
  }

  get memory(): SharedMemory {
    if (this.#memory === undefined) {
      const { memory, remoteDomid, refs } = this.below
      this.#memory = new TracedMemory(memory, this.#tracer, remoteDomid, refs[0]!)
    }
    return this.#memory
  }

  page(index: number): SharedMemory {
    return index === 0 && this.below.memory.byteLength === PAGE_BYTES ? this.memory : this.below.page(index)
  }
}

/** A mapper whose steps are recorded. */
export class TracedGrantMapper implements GrantMapper, UnmapNotifier<Mapping> {
  readonly #below: Mapper
  readonly #tracer: DomainTracer

  constructor(below: Mapper, tracer: DomainTracer) {
    this.#below = below
    this.#tracer = tracer
  }

  map(remoteDomid: Domid, refs: readonly GrantRef[], access: GrantAccess): Mapping {
    const { step, recorder } = this.#tracer
    try {
      const mapping = new TracedMapping(this.#below.map(remoteDomid, refs, access), recorder.nextNumber(), this.#tracer)
      step('grant.map', mapping.held, remoteDomid, access, [...refs])
      return mapping
    } catch (error) {
      step('grant.failed', 'map', remoteDomid, errorName(error))
      throw error
    }
  }

  unmap(mapping: Mapping): void {
    this.#below.unmap(belowOf(mapping))
    if (mapping instanceof TracedMapping) this.#tracer.step('grant.unmap', mapping.held)
  }

  copyFrom(remoteDomid: Domid, source: GrantCopyEnd, target: Uint8Array): void {
    this.#copied('copyFrom', remoteDomid, () => this.#below.copyFrom(remoteDomid, source, target))
    this.#tracer.step('grant.copy-from', remoteDomid, source.ref, source.offset, target.length)
  }

  copyTo(remoteDomid: Domid, source: Uint8Array, target: GrantCopyEnd): void {
    this.#copied('copyTo', remoteDomid, () => this.#below.copyTo(remoteDomid, source, target))
    this.#tracer.step('grant.copy-to', remoteDomid, target.ref, target.offset, source.length)
  }

  /** Without effect in a world that has no such notice (`Capabilities.unmapNotify`). */
  notifyOnUnmap(mapping: Mapping, notice: UnmapNotice): void {
    this.#below.notifyOnUnmap?.(belowOf(mapping), notice)
    const held = mapping instanceof TracedMapping ? mapping.held : 0
    this.#tracer.step('grant.notify-on-unmap', held, notice.clearByte ?? -1, notice.port ?? 0)
  }

  #copied(operation: string, remoteDomid: Domid, copy: () => void): void {
    try {
      copy()
    } catch (error) {
      this.#tracer.step('grant.failed', operation, remoteDomid, errorName(error))
      throw error
    }
  }
}

/** What was mapped before the tracing began is what it is. */
const belowOf = (mapping: Mapping): Mapping => (mapping instanceof TracedMapping ? mapping.below : mapping)
