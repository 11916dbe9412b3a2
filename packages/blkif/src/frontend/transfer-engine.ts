import { type Domid, SECTOR_BYTES, XenError } from '@split-driver/abi'
import type { GrantSharer } from '@split-driver/grant'
import type { FrontRing } from '@split-driver/ring'
import { BlkifOp, BlkifStatus } from '../wire/operations.js'
import { type BlkifFrontendStats, countCompleted, countSubmitted } from './blkif-frontend-stats.js'
import type { DataPage } from './data-page.js'
import { PagePool } from './page-pool.js'
import { RequestWriter, type RequestWriterOptions } from './request-writer.js'
import { scatter } from './scatter.js'
import { ShadowTable } from './shadow-table.js'
import { Transfer, type TransferRequest } from './transfer.js'
import { TransferQueue } from './transfer-queue.js'

export interface TransferEngineOptions extends RequestWriterOptions {
  readonly ring: FrontRing
  readonly sharer: GrantSharer
  readonly backendDomid: Domid
  /** Most pages of the pool at a time; at least 11. */
  readonly dataPages: number
  /** Counted up. */
  readonly stats: BlkifFrontendStats
  /** Wakes the backend. */
  readonly notify: () => void
  /** The backend answered `status` to this operation. */
  readonly onFailedRequest: (operation: number, status: BlkifStatus) => void
}

/** Words of a response that hold fields; the same in every ABI. */
const RESPONSE_WORDS = 3

/**
 * Carries out transfers over one ring: splits them into requests, in the order of the calls, as ring slots and pages are
 * to be had; matches the responses, in any order, by id. A transfer costs one promise; a request costs none.
 */
export class TransferEngine {
  readonly #options: TransferEngineOptions
  readonly #queue = new TransferQueue()
  readonly #shadow: ShadowTable
  readonly #pool: PagePool
  readonly #writer: RequestWriter
  readonly #response = new Int32Array(RESPONSE_WORDS)
  /** Why no more transfers are taken. */
  #closed: XenError | undefined
  #onIdle: (() => void) | undefined

  constructor(options: TransferEngineOptions) {
    this.#options = options
    this.#shadow = new ShadowTable(options.ring.ringSize)
    this.#pool = new PagePool(options.sharer, options.backendDomid, options.dataPages)
    this.#writer = new RequestWriter(this.#pool, options)
  }

  /**
   * Carries out what is asked for, in judged and whole sectors.
   * @throws XenError EIO, EOPNOTSUPP: the backend's answer; ABORTED; CLOSED, or why the device closed; ENOSPC: no pages
   */
  transfer(request: TransferRequest): Promise<void> {
    return new Promise((resolve, reject) => {
      const granted = request.ioBuffer?.reachableBy(this.#options.backendDomid)
      const transfer = new Transfer(request, granted, resolve, reject)
      if (this.#closed !== undefined) return transfer.settle(this.#closed)
      if (request.signal?.aborted) return transfer.giveUp()
      transfer.listen(this.#giveUp)
      granted?.hold()
      this.#queue.append(transfer)
      this.#submit()
    })
  }

  /**
   * Takes all responses that wait, then fills the room they made.
   * @returns how the backend broke the protocol, if it did: RING_PROD_OVERFLOW or RING_BAD_RESPONSE. `close` must follow
   */
  drain(): XenError | undefined {
    const { ring } = this.#options
    // Each turn takes a response to an outstanding request, and none is added meanwhile: more turns than slots cannot be.
    let turns = 0
    do {
      const ready = ring.unconsumedResponses()
      for (let i = 0; i < ready; i++) {
        const broken = this.#takeResponse()
        if (broken !== undefined) return broken
      }
    } while (turns++ < ring.ringSize && ring.finalCheckForResponses())
    if (ring.broken || turns > ring.ringSize)
      return new XenError('RING_PROD_OVERFLOW', "the backend's index of responses is impossible")
    this.#submit()
    this.#checkIdle()
    return undefined
  }

  /**
   * Takes no more transfers: they are rejected with `reason`. Resolves when those under way are settled, and at `close`.
   */
  finish(reason: XenError): Promise<void> {
    this.#closed ??= reason
    return new Promise((resolve) => {
      this.#onIdle = resolve
      this.#checkIdle()
    })
  }

  /** Every transfer is rejected with `reason`; so is whatever is asked for later. Idempotent. */
  close(reason: XenError): void {
    this.#closed ??= reason
    for (const transfer of this.#shadow.releaseAll()) {
      transfer.granted?.release()
      transfer.settle(reason)
    }
    for (let first = this.#queue.first; first !== undefined; first = this.#queue.first) {
      this.#leaveQueue(first)
      first.settle(reason)
    }
    this.#onIdle?.()
  }

  /** Ends the grants of the pool's pages, after `close`. */
  unshare(): void {
    this.#pool.unshare()
  }

  #submit(): void {
    const { ring, stats, notify } = this.#options
    const before = ring.reqProdPvt
    for (let next = this.#next(); next !== undefined && this.#tryFill(next); next = this.#next()) {}
    if (ring.reqProdPvt === before) return
    if (ring.pushRequests()) {
      stats.notificationsSent++
      notify()
    } else stats.notificationsSaved++
  }

  /** The first transfer, if there is a slot for it. */
  #next(): Transfer | undefined {
    return this.#options.ring.isFull() ? undefined : this.#queue.first
  }

  /** Puts one request of the first transfer on the ring, or drops it for good. @returns false if it waits for pages */
  #tryFill(transfer: Transfer): boolean {
    const pages = this.#shadow.pages[this.#shadow.peek()]!
    try {
      if (!this.#writer.begin(transfer, pages)) return false
    } catch (error) {
      this.#leaveQueue(transfer)
      transfer.settle(XenError.is(error) ? error : new XenError('ENOSPC', 'no pages for data', { cause: error }))
      return true
    }
    this.#fill(transfer, pages)
    return true
  }

  #fill(transfer: Transfer, pages: readonly DataPage[]): void {
    const { ring, stats } = this.#options
    const { operation, byteLength } = transfer.request
    const offset = transfer.submittedBytes
    const length = this.#writer.byteLength
    const index = this.#shadow.peek()
    const uses = this.#shadow.take(transfer, offset, length)
    ring.putRequest(this.#writer.words, 0, this.#writer.write(transfer, index, uses, pages))
    countSubmitted(stats, operation, this.#writer.isIndirect)
    transfer.granted?.hold()
    transfer.submittedBytes += length
    transfer.outstanding++
    transfer.submitted = transfer.submittedBytes === byteLength
    if (transfer.submitted) this.#leaveQueue(transfer)
  }

  /** Nothing more of it will be put on the ring. */
  #leaveQueue(transfer: Transfer): void {
    if (this.#queue.remove(transfer)) transfer.granted?.release()
  }

  #checkIdle(): void {
    if (this.#queue.first === undefined && this.#shadow.outstanding === 0) this.#onIdle?.()
  }

  /** @returns what is wrong with the response, judged on a private copy (R4) */
  #takeResponse(): XenError | undefined {
    const { ring, abi } = this.#options
    const words = this.#response
    ring.copyResponse(words, 0, RESPONSE_WORDS)
    ring.consumeResponse()
    const { at } = abi.response
    const index = words[at.id.word]!
    const transfer = this.#shadow.find(index, words[at.id.word + 1]!)
    const operation = at.operation.get(words, 0)
    const status = at.status.get(words, 0)
    if (transfer === undefined) return badResponse('its id names no outstanding request', index, operation, status)
    if (operation !== transfer.request.operation)
      return badResponse('it answers another operation', index, operation, status)
    if (status < BlkifStatus.NotSupported || status > BlkifStatus.Okay)
      return badResponse('its status is unknown', index, operation, status)
    this.#complete(transfer, index, status as BlkifStatus)
    return undefined
  }

  #complete(transfer: Transfer, index: number, status: BlkifStatus): void {
    const { stats, onFailedRequest } = this.#options
    const { request, granted } = transfer
    const { operation, discard } = request
    const pages = this.#shadow.pages[index]!
    const length = this.#shadow.byteLength[index]!
    if (status === BlkifStatus.Okay) {
      countCompleted(stats, operation, discard === undefined ? length : discard.sectorCount * SECTOR_BYTES)
      if (operation === BlkifOp.Read && granted === undefined && !transfer.settled)
        scatter(request.buffers, this.#shadow.offset[index]!, pages, length)
    } else {
      stats.errors++
      transfer.fail(failure(request, status))
      this.#leaveQueue(transfer)
      onFailedRequest(operation, status)
    }
    this.#pool.giveBack(pages)
    this.#shadow.release(index)
    granted?.release()
    transfer.outstanding--
    transfer.finish()
  }

  readonly #giveUp = (transfer: Transfer): void => {
    this.#leaveQueue(transfer)
    transfer.giveUp()
  }
}

const badResponse = (why: string, index: number, operation: number, status: number): XenError =>
  new XenError('RING_BAD_RESPONSE', `the backend sent a response that makes no sense: ${why}`, {
    detail: { index, operation, status },
  })

const failure = ({ operation, sectorNumber }: TransferRequest, status: BlkifStatus): XenError =>
  status === BlkifStatus.NotSupported
    ? new XenError('EOPNOTSUPP', `the backend does not do operation ${operation}`, { detail: { operation } })
    : new XenError('EIO', `operation ${operation} at sector ${sectorNumber} failed`, {
        detail: { operation, sectorNumber },
      })
