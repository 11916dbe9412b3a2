import { FlatMemory, PAGE_BYTES } from '@split-driver/abi'
import { type BlkifAbi, NATIVE_ABI } from '@split-driver/blkif'
import { FrontRing } from '@split-driver/ring'

export interface RawSegment {
  readonly gref: number
  readonly first_sect: number
  readonly last_sect: number
}

export interface RawRequest {
  readonly operation: number
  readonly id?: bigint
  readonly sector_number?: bigint
  /** As many as `seg` has, unless the test lies. */
  readonly nr_segments?: number
  readonly seg?: readonly RawSegment[]
}

/** A frontend that puts on the ring whatever a test tells it to. */
export class RawFrontend {
  readonly memory: FlatMemory
  readonly ring: FrontRing
  readonly abi: BlkifAbi

  constructor(abi: BlkifAbi = NATIVE_ABI, ringPages = 1) {
    this.abi = abi
    this.memory = FlatMemory.allocate(ringPages * PAGE_BYTES)
    this.ring = FrontRing.initialise(this.memory, abi.slotBytes)
  }

  /** @returns whether the backend must be notified */
  send(...requests: readonly RawRequest[]): boolean {
    for (const { operation, id = 0n, sector_number = 0n, seg = [], nr_segments = seg.length } of requests) {
      const words = this.abi.request.create({ operation, nr_segments, handle: 51712, id, sector_number, seg: [...seg] })
      this.ring.putRequest(words, 0, this.abi.request.words)
    }
    return this.ring.pushRequests()
  }

  /** As it is: an indirect request's, a discard's. */
  sendWords(...requests: readonly Int32Array[]): boolean {
    for (const words of requests) this.ring.putRequest(words, 0, words.length)
    return this.ring.pushRequests()
  }

  /** Takes what has been answered. */
  responses(): { id: bigint; operation: number; status: number }[] {
    const words = new Int32Array(this.abi.response.words)
    return Array.from({ length: this.ring.unconsumedResponses() }, () => {
      this.ring.copyResponse(words, 0, words.length)
      this.ring.consumeResponse()
      return this.abi.response.read(words)
    })
  }
}
