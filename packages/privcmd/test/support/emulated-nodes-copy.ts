import { type Domid, type GrantRef, PAGE_BYTES, XenError } from '@split-driver/abi'
import { type GrantMapper, GrantStatus } from '@split-driver/grant'
import type { Addresses } from './emulated-nodes-addresses.js'
import type { IoctlArgument } from './emulated-nodes-argument.js'
import { refused } from './emulated-nodes-refusal.js'

/** struct ioctl_gntdev_grant_copy_segment. @see xen/sys/gntdev.h */
const SEGMENT_BYTES = 24
const segmentAt = { source: 0, dest: 8, len: 16, flags: 18, status: 20 }
/** @see grant_table.h GNTCOPY_* */
const SOURCE_GREF = 1
const DEST_GREF = 2

/** One end that is a page of somebody's. */
interface ForeignEnd {
  readonly ref: GrantRef
  readonly offset: number
  readonly domid: Domid
}

/** GRANT_COPY of /dev/xen/gntdev: each segment has its own status; what cannot be at all fails the call. */
export class GrantCopies {
  readonly #mapper: GrantMapper
  readonly #addresses: Addresses

  constructor(mapper: GrantMapper, addresses: Addresses) {
    this.#mapper = mapper
    this.#addresses = addresses
  }

  copyAll(argument: IoctlArgument): void {
    const count = argument.u32(0)
    const bytes = this.#addresses.bytes(BigInt(argument.u64(8)), count * SEGMENT_BYTES)
    for (let i = 0; i < count; i++) {
      const segment = new DataView(bytes.buffer, bytes.byteOffset + i * SEGMENT_BYTES, SEGMENT_BYTES)
      segment.setInt16(segmentAt.status, this.#copy(segment), true)
    }
  }

  #copy(segment: DataView): number {
    const flags = segment.getUint16(segmentAt.flags, true)
    const length = segment.getUint16(segmentAt.len, true)
    if (flags === SOURCE_GREF) return this.#move(segment, segmentAt.source, segmentAt.dest, length)
    if (flags === DEST_GREF) return this.#move(segment, segmentAt.dest, segmentAt.source, length)
    // Linux copies from grant to grant, too; nothing here asks for it.
    throw refused('EINVAL', `flags ${flags} of a copy`)
  }

  #move(segment: DataView, foreignAt: number, ownAt: number, length: number): number {
    const end: ForeignEnd = {
      ref: segment.getUint32(foreignAt, true) as GrantRef,
      offset: segment.getUint16(foreignAt + 4, true),
      domid: segment.getUint16(foreignAt + 6, true) as Domid,
    }
    if (end.offset + length > PAGE_BYTES) throw refused('EINVAL', 'a copy leaves the granted page')
    // Linux asks Xen for nothing then, so that the grant is not looked at either.
    if (length === 0) return GrantStatus.GNTST_okay
    const own = this.#addresses.bytes(segment.getBigUint64(ownAt, true), length)
    try {
      if (foreignAt === segmentAt.source) this.#mapper.copyFrom(end.domid, end, own)
      else this.#mapper.copyTo(end.domid, own, end)
      return GrantStatus.GNTST_okay
    } catch (error) {
      return statusOf(error)
    }
  }
}

const statusOf = (error: unknown): number => {
  if (error instanceof XenError && error.code in GrantStatus) return GrantStatus[error.code as keyof typeof GrantStatus]
  throw error
}
