import { type Domid, PAGE_BYTES, SECTOR_BYTES, XenError } from '@split-driver/abi'
import type { GrantSharer, SharedPages } from '@split-driver/grant'
import type { FrontRing } from '@split-driver/ring'
import type { BlkifAbi } from '../wire/blkif-abi.js'
import { BlkifOp, BlkifStatus, MAX_SEGMENTS } from '../wire/operations.js'
import { type BlkifFrontendStats, countCompleted, countSubmitted } from './blkif-frontend-stats.js'
import { DataPages } from './data-pages.js'
import { fillRequest, type RequestHead } from './fill-request.js'
import { gather, scatter } from './scatter.js'
import { ShadowTable } from './shadow-table.js'
import { Transfer, type TransferRequest } from './transfer.js'
import { TransferQueue } from './transfer-queue.js'

export interface TransferEngineOptions {
  readonly ring: FrontRing
  readonly abi: BlkifAbi
  readonly sharer: GrantSharer
  readonly backendDomid: Domid
  /** The device's number, for the request's `handle`. */
  readonly handle: number
  /** Logical sector size in bytes: no request splits one. */
  readonly sectorBytes: number
  /** Most pages for data at a time; at least 11. */
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
  readonly #pages: DataPages
  readonly #requestBytes: number
  readonly #request: Int32Array
  readonly #response = new Int32Array(RESPONSE_WORDS)
  /** Filled anew for each request, so that none makes an object. */
  readonly #head: RequestHead
  /** Why no more transfers are taken. */
  #closed: XenError | undefined
  #onIdle: (() => void) | undefined

  constructor(options: TransferEngineOptions) {
    this.#options = options
    this.#shadow = new ShadowTable(options.ring.ringSize)
    this.#pages = new DataPages(options.sharer, options.backendDomid, options.dataPages)
    this.#requestBytes = MAX_SEGMENTS * PAGE_BYTES - ((MAX_SEGMENTS * PAGE_BYTES) % options.sectorBytes)
    this.#request = new Int32Array(options.abi.request.words)
    this.#head = { operation: 0, handle: options.handle, sectorNumber: 0, index: 0, uses: 0 }
  }

  /**
   * Carries out what is asked for, in judged and whole sectors.
   * @throws XenError EIO, EOPNOTSUPP: the backend's answer; ABORTED; CLOSED, or why the device closed; ENOSPC: no pages
   */
  transfer(request: TransferRequest): Promise<void> {
    return new Promise((resolve, reject) => {
      const transfer = new Transfer(request, resolve, reject)
      if (this.#closed !== undefined) return transfer.settle(this.#closed)
      if (request.signal?.aborted) return transfer.giveUp()
      transfer.listen(this.#giveUp)
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
    for (const transfer of this.#shadow.transfers()) transfer.settle(reason)
    for (let first = this.#queue.first; first !== undefined; first = this.#queue.first) {
      this.#queue.remove(first)
      first.settle(reason)
    }
    this.#onIdle?.()
  }

  /** Ends the grants of the data pages, after `close`. */
  unshare(): void {
    this.#pages.unshare()
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
    try {
      const pages = this.#pages.of(this.#shadow.peek())
      if (pages !== undefined) this.#fill(transfer, pages)
      return pages !== undefined
    } catch (error) {
      this.#queue.remove(transfer)
      transfer.settle(XenError.is(error) ? error : new XenError('ENOSPC', 'no pages for data', { cause: error }))
      return true
    }
  }

  #fill(transfer: Transfer, pages: SharedPages): void {
    const { ring, abi, stats } = this.#options
    const { operation, buffers, byteLength, sectorNumber } = transfer.request
    const offset = transfer.submittedBytes
    const length = Math.min(byteLength - offset, this.#requestBytes)
    if (operation === BlkifOp.Write) gather(buffers, offset, pages.memory.mutableBytes(0, length))

    const head = this.#head
    head.operation = operation
    head.sectorNumber = sectorNumber + offset / SECTOR_BYTES
    head.index = this.#shadow.peek()
    head.uses = this.#shadow.take(transfer, operation, offset, length)
    ring.putRequest(this.#request, 0, fillRequest(this.#request, abi, head, pages, length))
    countSubmitted(stats, operation)
    transfer.submittedBytes += length
    transfer.outstanding++
    transfer.submitted = transfer.submittedBytes === byteLength
    if (transfer.submitted) this.#queue.remove(transfer)
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
    if (operation !== this.#shadow.operation[index])
      return badResponse('it answers another operation', index, operation, status)
    if (status < BlkifStatus.NotSupported || status > BlkifStatus.Okay)
      return badResponse('its status is unknown', index, operation, status)
    this.#complete(transfer, index, status as BlkifStatus)
    return undefined
  }

  #complete(transfer: Transfer, index: number, status: BlkifStatus): void {
    const { stats, onFailedRequest } = this.#options
    const operation = this.#shadow.operation[index]!
    const length = this.#shadow.byteLength[index]!
    if (status === BlkifStatus.Okay) {
      countCompleted(stats, operation, length)
      if (operation === BlkifOp.Read && !transfer.settled)
        scatter(transfer.request.buffers, this.#shadow.offset[index]!, this.#pages.of(index)!.memory.bytes(0, length))
    } else {
      stats.errors++
      transfer.fail(failure(transfer.request, status))
      this.#queue.remove(transfer)
      onFailedRequest(operation, status)
    }
    this.#shadow.release(index)
    transfer.outstanding--
    transfer.finish()
  }

  readonly #giveUp = (transfer: Transfer): void => {
    this.#queue.remove(transfer)
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
