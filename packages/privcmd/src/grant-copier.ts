import { type Domid, PAGE_BYTES } from '@split-driver/abi'
import { type GrantCopyEnd, GrantStatus, grantError } from '@split-driver/grant'
import type { DeviceNode } from './device-node.js'
import { GntdevRequest, GrantCopyFlag, grantCopy, grantCopySegment, grantCopyVirt } from './gntdev-ioctl.js'

/** Has Xen copy between granted pages and memory of this process. */
export class GrantCopier {
  readonly #node: DeviceNode
  readonly #segment = new Int32Array(grantCopySegment.words)
  readonly #segmentBytes = new Uint8Array(this.#segment.buffer)
  readonly #argument = new Int32Array(grantCopy.words)
  readonly #argumentBytes = new Uint8Array(this.#argument.buffer)

  constructor(node: DeviceNode) {
    this.#node = node
    grantCopy.at.count.set(this.#argument, 0, 1)
    grantCopy.at.segments.set(this.#argument, 0, node.addressOf(this.#segmentBytes))
  }

  /** @throws XenError GNTST_* */
  copyFrom(remoteDomid: Domid, source: GrantCopyEnd, target: Uint8Array): void {
    const status = this.#copy('from', remoteDomid, source, target)
    if (status < 0) throw this.#failed('from', status, remoteDomid, source, target)
  }

  /** @throws XenError GNTST_* */
  copyTo(remoteDomid: Domid, source: Uint8Array, target: GrantCopyEnd): void {
    const status = this.#copy('to', remoteDomid, target, source)
    if (status < 0) throw this.#failed('to', status, remoteDomid, target, source)
  }

  /** Reads one byte of a page and drops it: changes nothing. @returns a GNTST_* status */
  probe(remoteDomid: Domid, end: GrantCopyEnd): number {
    return this.#copy('from', remoteDomid, end, new Uint8Array(1))
  }

  /** @returns a GNTST_* status */
  #copy(direction: 'from' | 'to', domid: Domid, { ref, offset }: GrantCopyEnd, local: Uint8Array): number {
    if (offset < 0 || offset + local.length > PAGE_BYTES) return GrantStatus.GNTST_bad_copy_arg
    const { at } = grantCopySegment
    const segment = this.#segment
    const from = direction === 'from'
    const granted = from ? 'source' : 'dest'
    at[`${granted}Ref`].set(segment, 0, ref)
    at[`${granted}Offset`].set(segment, 0, offset)
    at[`${granted}Domid`].set(segment, 0, domid)
    grantCopyVirt[from ? 'dest' : 'source'].set(segment, 0, this.#node.addressOf(local))
    at.len.set(segment, 0, local.length)
    at.flags.set(segment, 0, from ? GrantCopyFlag.sourceGref : GrantCopyFlag.destGref)
    at.status.set(segment, 0, GrantStatus.GNTST_general_error)
    try {
      this.#node.ioctl(GntdevRequest.GrantCopy, this.#argumentBytes)
    } catch (error) {
      throw this.#node.refusal(error, `cannot copy ${direction} reference ${ref} of domain ${domid}`)
    }
    return at.status.get(segment, 0)
  }

  #failed(direction: string, status: number, remoteDomid: Domid, { ref, offset }: GrantCopyEnd, local: Uint8Array) {
    const what = `copying ${local.length} bytes ${direction} offset ${offset} of reference ${ref} of domain ${remoteDomid}`
    return grantError(status, what, { remoteDomid, gref: ref, offset })
  }
}
