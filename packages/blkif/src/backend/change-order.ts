import type { FetchedRequest } from './fetched-request.js'

/**
 * Which changes of the disk are in work, and which flushes and barriers wait for them. A flush tells the guest that what
 * it wrote before is safe, so it starts only when all changes that were received before it are done.
 * @see xen/include/public/io/blkif.h BLKIF_OP_WRITE_BARRIER, BLKIF_OP_FLUSH_DISKCACHE
 */
export class ChangeOrder {
  readonly #waiting: FetchedRequest[] = []
  #inWork = 0
  #nextSequence = 0

  /** A write has been received. */
  received(request: FetchedRequest): void {
    request.sequence = this.#nextSequence++
    request.waitsFor = 0
    this.#inWork++
  }

  /** A flush or barrier has been received. @returns whether it must wait; `done` tells when it may start */
  receivedFence(request: FetchedRequest): boolean {
    const before = this.#inWork
    this.received(request)
    request.waitsFor = before
    if (before > 0) this.#waiting.push(request)
    return before > 0
  }

  /** A change is done, well or not; `start` is called for each fence that waited for nothing else. */
  done(request: FetchedRequest, start: (fence: FetchedRequest) => void): void {
    this.#inWork--
    if (this.#waiting.length === 0) return
    for (const fence of this.#waiting) if (fence.sequence > request.sequence) fence.waitsFor--
    // Only the first can be ready: every later one waits for it.
    if (this.#waiting[0]!.waitsFor === 0) start(this.#waiting.shift()!)
  }
}
