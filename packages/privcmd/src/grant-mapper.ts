import { type Domid, type GrantRef, PAGE_BYTES, type SharedMemory, XenError } from '@split-driver/abi'
import type { GrantAccess, GrantCopyEnd, GrantMapper, Mapping, UnmapNotice, UnmapNotifier } from '@split-driver/grant'
import type { DeviceNode } from './device-node.js'
import { GntdevRequest, grantRefEntry, mapGrantRef, unmapGrantRef } from './gntdev-ioctl.js'
import { GrantCopier } from './grant-copier.js'
import { whichRefFailed } from './grant-probe.js'
import { NodePages } from './node-pages.js'
import { PageMemory } from './page-memory.js'
import { SystemCallError } from './system-call-error.js'
import type { MappedRange } from './system-calls.js'
import { setUnmapNotice } from './unmap-notice.js'

/**
 * Maps a peer's pages through /dev/xen/gntdev: one ioctl and one mmap for all references of a mapping, which ends as a
 * whole (hostile row D1). What is still mapped when the process ends, the kernel unmaps.
 */
export class PrivcmdGrantMapper implements GrantMapper, UnmapNotifier<Mapping>, Disposable {
  readonly #node: DeviceNode
  readonly #copier: GrantCopier
  readonly #live = new Set<PrivcmdMapping>()

  constructor(node: DeviceNode) {
    this.#node = node
    this.#copier = new GrantCopier(node)
  }

  /** What is mapped now. */
  get mappings(): Iterable<Mapping> {
    return this.#live
  }

  /**
   * `detail.index` is missing where the kernel refused and each reference could be mapped when it was looked at again: the
   * peer changes them.
   * @throws XenError also ENOMEM, or EINVAL for more references than xen_gntdev's parameter `limit` lets one mapping have
   */
  map(remoteDomid: Domid, refs: readonly GrantRef[], access: GrantAccess): Mapping {
    if (refs.length === 0) throw new RangeError('a mapping has at least one page')
    const index = this.#reserve(remoteDomid, refs)
    try {
      const range = this.#node.map(index, refs.length * PAGE_BYTES, access)
      const mapping = new PrivcmdMapping(remoteDomid, access, [...refs], index, range)
      this.#live.add(mapping)
      return mapping
    } catch (error) {
      this.#release(index, refs.length)
      throw SystemCallError.is(error, 'EINVAL')
        ? whichRefFailed(this.#copier, remoteDomid, refs, (ref) => this.#canMap(remoteDomid, ref, access))
        : this.#node.refusal(error, `cannot map ${refs.length} pages of domain ${remoteDomid}`)
    }
  }

  unmap(mapping: Mapping): void {
    const ours = this.#ours(mapping)
    this.#live.delete(ours)
    this.#end(ours)
  }

  copyFrom(remoteDomid: Domid, source: GrantCopyEnd, target: Uint8Array): void {
    this.#copier.copyFrom(remoteDomid, source, target)
  }

  copyTo(remoteDomid: Domid, source: Uint8Array, target: GrantCopyEnd): void {
    this.#copier.copyTo(remoteDomid, source, target)
  }

  notifyOnUnmap(mapping: Mapping, notice: UnmapNotice): void {
    const { index, refs } = this.#ours(mapping)
    setUnmapNotice(this.#node, GntdevRequest.SetUnmapNotify, index, refs.length * PAGE_BYTES, notice)
  }

  /** Unmaps what is still mapped and closes the node. Idempotent. */
  [Symbol.dispose](): void {
    if (this.#node.closed) return
    for (const mapping of this.#live) this.#end(mapping)
    this.#live.clear()
    this.#node.close()
  }

  /** Tells the kernel what is to be mapped. @returns where in the node's file, in bytes */
  #reserve(remoteDomid: Domid, refs: readonly GrantRef[]): number {
    const head = mapGrantRef.at.refs.word
    const argument = new Int32Array(head + refs.length * grantRefEntry.words)
    mapGrantRef.at.count.set(argument, 0, refs.length)
    refs.forEach((ref, i) => {
      grantRefEntry.write(argument, { domid: remoteDomid, ref }, head + i * grantRefEntry.words)
    })
    this.#node.demand(GntdevRequest.MapGrantRef, argument, `cannot map ${refs.length} pages of domain ${remoteDomid}`)
    return mapGrantRef.at.index.getNumber(argument, 0)
  }

  #release(index: number, count: number): void {
    const argument = new Int32Array(unmapGrantRef.words)
    unmapGrantRef.at.index.setNumber(argument, 0, index)
    unmapGrantRef.at.count.set(argument, 0, count)
    this.#node.demand(GntdevRequest.UnmapGrantRef, argument, `cannot give ${count} mapped pages back`)
  }

  #end({ range, index, refs }: PrivcmdMapping): void {
    this.#node.unmap(range)
    this.#release(index, refs.length)
  }

  /** Looks whether one reference could be mapped now, and leaves it unmapped. */
  #canMap(remoteDomid: Domid, ref: GrantRef, access: GrantAccess): boolean {
    const index = this.#reserve(remoteDomid, [ref])
    try {
      this.#node.unmap(this.#node.map(index, PAGE_BYTES, access))
      return true
    } catch (error) {
      if (SystemCallError.is(error, 'EINVAL')) return false
      throw error
    } finally {
      this.#release(index, 1)
    }
  }

  #ours(mapping: Mapping): PrivcmdMapping {
    if (!(mapping instanceof PrivcmdMapping)) throw new TypeError('this mapping was made by another world')
    if (this.#live.has(mapping)) return mapping
    throw new XenError('GNTST_bad_handle', 'this mapping has ended already, or is of another platform', {
      detail: { remoteDomid: mapping.remoteDomid, refs: mapping.refs },
    })
  }
}

class PrivcmdMapping extends NodePages implements Mapping {
  readonly #pages: (SharedMemory | undefined)[]

  constructor(remoteDomid: Domid, access: GrantAccess, refs: readonly GrantRef[], index: number, range: MappedRange) {
    super(remoteDomid, access, refs, index, range)
    this.#pages = new Array(refs.length)
    if (refs.length === 1) this.#pages[0] = range.memory
  }

  page(index: number): SharedMemory {
    if (index >>> 0 >= this.refs.length)
      throw new RangeError(`page ${index} lies outside this mapping of ${this.refs.length} pages`)
    this.#pages[index] ??= new PageMemory(this.memory, index)
    return this.#pages[index]
  }
}
