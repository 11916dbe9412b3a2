import { type BackRing, RING_BROKEN } from '@split-driver/ring'
import type { BlockStore } from '../block-store.js'
import type { BlkifAbi } from '../wire/blkif-abi.js'
import { BlkifOp, BlkifStatus } from '../wire/operations.js'
import { type BlkifBackendStats, countRequest, countResponse } from './blkif-backend-stats.js'
import { ChangeOrder } from './change-order.js'
import { fetchDescriptors, fetchRequest } from './fetch-request.js'
import { FetchedRequest } from './fetched-request.js'
import type { GuestPages } from './guest-pages.js'
import { type Disk, isFence, judgeExtent, judgeHead } from './judge-request.js'
import { putResponse } from './put-response.js'
import { collectViews } from './segment-views.js'

export interface RequestEngineOptions {
  readonly ring: BackRing
  readonly abi: BlkifAbi
  readonly store: BlockStore
  readonly disk: Disk
  /** How the pages that requests name come into reach. */
  readonly pages: GuestPages
  /** Counted up. */
  readonly stats: BlkifBackendStats
  /** Wakes the frontend. */
  readonly notify: () => void
  /** Called when a barrier that had blocked `serve` is done: serve again. */
  readonly onUnblocked: () => void
  /** The store could not do what a good request asked for. */
  readonly onStoreError: (error: unknown) => void
}

/**
 * How a pass ended. `idle`: the ring is empty and the frontend will wake us; `more`: the pass reached its limit, and
 * another must follow; `blocked`: a barrier is in work, `onUnblocked` tells when to go on; `broken`: the frontend's
 * producer index is impossible (rule 7), and the ring is left alone for good.
 */
export type Served = 'idle' | 'more' | 'blocked' | 'broken'

/**
 * Serves one ring: fetch once, judge the copy, hold the pages, transfer, release, respond. With a store that answers at once a request
 * costs no promise; otherwise as many are in work as the ring has slots, and they are answered as they get done. Never
 * throws.
 */
export class RequestEngine {
  readonly #options: RequestEngineOptions
  /** Not in work, to be used again. */
  readonly #unused: FetchedRequest[] = []
  readonly #changes = new ChangeOrder()
  #inWork = 0
  #barrierInWork = false
  #serving = false
  #unpublished = false
  #onDrained: (() => void) | undefined

  constructor(options: RequestEngineOptions) {
    this.#options = options
  }

  /**
   * One pass over the ring.
   * @param limit most requests to take: a guest that fills as fast as we serve must not hold the thread
   */
  serve(limit: number): Served {
    this.#serving = true
    const served = this.#pass(limit)
    this.#serving = false
    return served
  }

  /** Resolves when no request is in work, and so no page of the guest's is mapped. Call `serve` no more. */
  drained(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#inWork === 0) resolve()
      else this.#onDrained = resolve
    })
  }

  #pass(limit: number): Served {
    const { ring } = this.#options
    for (let left = limit; left > 0; ) {
      if (this.#barrierInWork) return 'blocked'
      const ready = ring.unconsumedRequests()
      if (ready === RING_BROKEN) return 'broken'
      if (ready > 0) left -= this.#takeBatch(Math.min(ready, left))
      else if (ring.finalCheckForRequests()) left--
      else return ring.broken ? 'broken' : 'idle'
    }
    return this.#barrierInWork ? 'blocked' : 'more'
  }

  /** @returns how many were taken; fewer than `count` only if a barrier came */
  #takeBatch(count: number): number {
    let taken = 0
    while (taken < count && !this.#barrierInWork) {
      this.#take()
      taken++
    }
    this.#publish()
    return taken
  }

  #take(): void {
    const { ring, abi, disk, stats } = this.#options
    const request = this.#unused.pop() ?? this.#newRequest()
    fetchRequest(ring, abi, request, disk.maxIndirectSegments)
    this.#inWork++
    countRequest(stats, request)
    const status = this.#judge(request)
    if (status !== BlkifStatus.Okay) this.#respond(request, status)
    else if (request.operation === BlkifOp.Read || !this.#mustWait(request)) this.#start(request)
  }

  #judge(request: FetchedRequest): BlkifStatus {
    const { abi, disk, pages } = this.#options
    request.byteLength = 0
    const status = judgeHead(request, disk)
    if (status !== BlkifStatus.Okay) return status
    if (request.isIndirect) {
      try {
        fetchDescriptors(pages, request, disk.maxIndirectSegments)
      } catch {
        return BlkifStatus.Error
      }
    } else {
      request.segmentWords = request.words
      request.firstSegmentWord = abi.request.at.seg.word
    }
    return judgeExtent(request, abi, disk)
  }

  #mustWait(change: FetchedRequest): boolean {
    if (change.operation === BlkifOp.WriteBarrier) this.#barrierInWork = true
    if (isFence(change.operation)) return this.#changes.receivedFence(change)
    this.#changes.received(change)
    return false
  }

  #start(request: FetchedRequest): void {
    if (!this.#hold(request)) {
      this.#finish(request, BlkifStatus.Error)
      return
    }
    try {
      const transfer = this.#transfer(request)
      if (transfer === undefined) this.#finish(request, BlkifStatus.Okay)
      else transfer.then(request.onDone, request.onFailed)
    } catch (error) {
      request.onFailed(error)
    }
  }

  /** A disk read needs writable pages, a disk write readable ones (rule 21). @returns false if one cannot be had (B1) */
  #hold(request: FetchedRequest): boolean {
    const { operation, refs, hold, segmentCount } = request
    if (operation === BlkifOp.Discard || segmentCount === 0) return true
    try {
      this.#options.pages.hold(refs, operation === BlkifOp.Read ? 'writable' : 'read-only', hold)
      collectViews(request)
      return true
    } catch {
      return false
    }
  }

  #transfer({ operation, position, byteLength, secure, views }: FetchedRequest): void | Promise<void> {
    const { store } = this.#options
    if (operation === BlkifOp.Read) return store.read(position, views)
    if (operation === BlkifOp.Write) return store.write(position, views)
    if (operation === BlkifOp.Discard) return store.discard!(position, byteLength, secure)
    if (views.length === 0) return store.flush()
    return this.#writeThrough(operation, position, views)
  }

  /** What was written before is durable before this write begins; a barrier's own data is durable when it ends. */
  async #writeThrough(operation: number, position: number, views: readonly Uint8Array[]): Promise<void> {
    const { store } = this.#options
    await store.flush()
    await store.write(position, views)
    if (operation === BlkifOp.WriteBarrier) await store.flush()
  }

  /** The page access ends before the guest learns that it may use the pages again (rule 23). */
  #finish(request: FetchedRequest, status: BlkifStatus): void {
    const { hold, operation } = request
    request.views.length = 0
    this.#options.pages.release(hold)
    this.#respond(request, status)
    if (operation === BlkifOp.Read) return
    this.#changes.done(request, this.#startFence)
    if (operation === BlkifOp.WriteBarrier) this.#unblock()
  }

  #respond(request: FetchedRequest, status: BlkifStatus): void {
    const { ring, abi, stats } = this.#options
    countResponse(stats, request, status)
    if (!ring.broken) {
      putResponse(ring, abi, request, status)
      this.#unpublished = true
    }
    this.#unused.push(request)
    this.#inWork--
    if (!this.#serving) this.#publish()
    if (this.#inWork === 0) this.#onDrained?.()
  }

  #publish(): void {
    const { ring, stats, notify } = this.#options
    if (!this.#unpublished) return
    this.#unpublished = false
    if (ring.pushResponses()) {
      stats.notificationsSent++
      notify()
    } else stats.notificationsSaved++
  }

  #unblock(): void {
    this.#barrierInWork = false
    if (!this.#serving) this.#options.onUnblocked()
  }

  readonly #startFence = (fence: FetchedRequest): void => this.#start(fence)

  #newRequest(): FetchedRequest {
    return new FetchedRequest(
      this.#options.abi.request.words,
      (request) => this.#finish(request, BlkifStatus.Okay),
      (request, error) => {
        this.#options.onStoreError(error)
        this.#finish(request, BlkifStatus.Error)
      },
    )
  }
}
