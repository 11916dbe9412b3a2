import { XenError } from '@split-driver/abi'
import type { Platform } from '@split-driver/platform'
import { FrontendDevice, type KeysToWrite } from '@split-driver/xenbus'
import { type BlkifAbi, NATIVE_ABI } from '../wire/blkif-abi.js'
import { geometryKeys, MAX_ORDER, offerKeys, virtualDeviceKeys } from '../wire/device-keys.js'
import { FEATURE_PERSISTENT, MAX_RING_PAGE_ORDER, MAX_RING_PAGES, VIRTUAL_DEVICE } from '../wire/keys.js'
import { BlkifOp, MAX_SEGMENTS } from '../wire/operations.js'
import { formatRingAddress } from '../wire/ring-keys.js'
import { virtualDeviceNumber } from '../wire/virtual-device.js'
import { type BlkifFrontendStats, emptyFrontendStats } from './blkif-frontend-stats.js'
import { type DiskGeometry, judgeGeometry, judgeTransfer } from './disk-geometry.js'
import { FlushSupport } from './flush-support.js'
import { FrontendQueue } from './frontend-queue.js'
import type { Buffers } from './scatter.js'
import type { TransferEngine } from './transfer-engine.js'

export interface BlkifFrontendOptions {
  /** `ring-page-order`: 2ⁿ ring pages, if the backend takes as many, else as many as it does; 0 to 4, 0 unless given. */
  readonly ringPageOrder?: number
  /**
   * Most pages of this domain that are granted for data at a time, at least the 11 of one request. They are granted as
   * they are needed; unless given, as many as all the ring's requests can name: 352 for one page of ring.
   */
  readonly dataPages?: number
  /** The layout of requests; the machine's own unless given. */
  readonly abi?: BlkifAbi
}

export interface BlkifOpenOptions extends BlkifFrontendOptions {
  /** Gives the opening up. */
  readonly signal?: AbortSignal
}

export interface TransferOptions {
  /**
   * Gives up waiting: the call is rejected with ABORTED and its buffers are not touched again. What is on the ring already
   * is carried out nevertheless; what is not, is not.
   */
  readonly signal?: AbortSignal
}

/**
 * A virtual disk as its guest sees it. Calls may overlap; they are put on the ring in their order, and done in any.
 *
 *     await using disk = await BlkifFrontend.open(platform, 'xvda')
 *     await disk.read(0, sector)
 */
export class BlkifFrontend extends FrontendDevice<Platform> {
  /** Since the device was created. */
  readonly stats: BlkifFrontendStats = emptyFrontendStats()
  readonly #ringPageOrder: number
  readonly #dataPages: number
  readonly #abi: BlkifAbi
  #queue: FrontendQueue | undefined
  #engine: TransferEngine | undefined
  #geometry: DiskGeometry | undefined
  #flush = new FlushSupport(false, false)

  /** @param path the device's directory, such as `device/vbd/51712` */
  constructor(platform: Platform, path: string, options: BlkifFrontendOptions = {}) {
    const { ringPageOrder = 0, dataPages = Number.POSITIVE_INFINITY, abi = NATIVE_ABI } = options
    super(platform, path)
    if (!Number.isInteger(ringPageOrder) || ringPageOrder < 0 || ringPageOrder > MAX_ORDER)
      throw new RangeError(`ringPageOrder must be an integer from 0 to ${MAX_ORDER}, not ${ringPageOrder}`)
    if (!(dataPages >= MAX_SEGMENTS))
      throw new RangeError(`dataPages must be at least ${MAX_SEGMENTS}, not ${dataPages}`)
    this.#ringPageOrder = ringPageOrder
    this.#dataPages = dataPages
    this.#abi = abi
  }

  /**
   * Opens a disk and waits until it can be used.
   * @param disk its name such as `xvda`, its `virtual-device` number such as 51712, or its directory
   * @throws XenError as `open` of any device says; BAD_KEY: the backend's keys make no sense; RangeError: no disk's name
   */
  static async open(platform: Platform, disk: string | number, options: BlkifOpenOptions = {}): Promise<BlkifFrontend> {
    const { signal, ...rest } = options
    const path = typeof disk === 'string' && disk.includes('/') ? disk : `device/vbd/${deviceNumber(disk)}`
    return new BlkifFrontend(platform, path, rest).open(signal === undefined ? {} : { signal })
  }

  /** Size in units of 512 bytes, whatever the sector size. */
  get sectorCount(): number {
    return this.#connected.sectorCount
  }

  /** Logical sector size in bytes: reads and writes begin and end at multiples of it. */
  get sectorBytes(): number {
    return this.#connected.sectorBytes
  }

  /** Sector size of the medium in bytes: transfers of multiples of it are the fastest. */
  get physicalSectorBytes(): number {
    return this.#connected.physicalSectorBytes
  }

  get readOnly(): boolean {
    return this.#connected.readOnly
  }

  /** Operations by which the backend makes writes durable, as far as it still does them. */
  get features(): { readonly flushCache: boolean; readonly barrier: boolean } {
    return this.#flush
  }

  /**
   * Fills `target`, or several targets one after the other, from `sectorNumber` on.
   * @param sectorNumber in units of 512 bytes
   * @throws XenError EIO: the backend could not; CLOSED, RING_BAD_RESPONSE, RING_PROD_OVERFLOW: the device has closed, or
   * closes because of this; ABORTED; ENOSPC: no pages. RangeError: no whole sectors of this disk
   */
  read(sectorNumber: number, target: Uint8Array | Buffers, options: TransferOptions = {}): Promise<void> {
    return this.#transfer(BlkifOp.Read, sectorNumber, target, options)
  }

  /**
   * Stores `source`, or several sources one after the other, at `sectorNumber`. They must not change before the promise is
   * settled. It is durable after a `flush` that began later.
   * @throws as `read`; XenError EROFS: the disk is read-only
   */
  write(sectorNumber: number, source: Uint8Array | Buffers, options: TransferOptions = {}): Promise<void> {
    return this.#transfer(BlkifOp.Write, sectorNumber, source, options)
  }

  /**
   * Makes durable what was written by calls that are settled. By `feature-flush-cache`, else by an empty barrier (rule
   * 27). A backend that offers neither has no cache that could be flushed: then there is nothing to do.
   * @throws XenError EIO; EOPNOTSUPP: the backend offered it and does not do it; CLOSED … as `read`
   */
  flush({ signal }: TransferOptions = {}): Promise<void> {
    const engine = this.#engine
    if (engine === undefined) return Promise.reject(this.#closedError())
    const operation = this.#flush.operation
    if (operation !== undefined)
      return engine.transfer({ operation, sectorNumber: 0, buffers: [], byteLength: 0, signal })
    if (!this.#flush.wasOffered) return Promise.resolve()
    return Promise.reject(new XenError('EOPNOTSUPP', `the backend of ${this.path} does not flush its cache`))
  }

  protected async publish(): Promise<KeysToWrite> {
    const offer = await this.readOtherend(offerKeys)
    const maxOrder = Math.max(offer[MAX_RING_PAGE_ORDER], Math.floor(Math.log2(offer[MAX_RING_PAGES])))
    this.#queue = new FrontendQueue({
      platform: this.host,
      otherend: this.otherend,
      abi: this.#abi,
      ringPages: 1 << Math.min(this.#ringPageOrder, maxOrder),
      onBroken: (error) => this.fail(error),
    })
    return { ...formatRingAddress(this.#queue.address), [FEATURE_PERSISTENT]: true }
  }

  protected async connect(): Promise<void> {
    const own = await this.readOwn(virtualDeviceKeys)
    const keys = await this.readOtherend(geometryKeys)
    this.#geometry = judgeGeometry(keys)
    this.#flush = new FlushSupport(keys['feature-flush-cache'], keys['feature-barrier'])
    this.#engine = this.#queue!.start({
      handle: own[VIRTUAL_DEVICE] ?? Number(this.path.slice(this.path.lastIndexOf('/') + 1)),
      sectorBytes: this.#geometry.sectorBytes,
      dataPages: this.#dataPages,
      stats: this.stats,
      onFailedRequest: (operation) => this.#flush.failed(operation),
    })
  }

  protected override quiesce(): Promise<void> | void {
    return this.#engine?.finish(this.#closedError())
  }

  protected disconnect(): void {
    this.#engine = undefined
    this.#queue?.stop(this.#closedError())
    this.#queue = undefined
  }

  get #connected(): DiskGeometry {
    if (this.#geometry === undefined) throw this.#closedError()
    return this.#geometry
  }

  #closedError(): XenError {
    return new XenError('CLOSED', `the disk ${this.path} is not open`, { detail: { path: this.path } })
  }

  #transfer(
    operation: BlkifOp,
    sectorNumber: number,
    memory: Uint8Array | Buffers,
    { signal }: TransferOptions,
  ): Promise<void> {
    const engine = this.#engine
    const buffers = memory instanceof Uint8Array ? [memory] : memory
    try {
      if (engine === undefined) throw this.#closedError()
      const byteLength = judgeTransfer(this.#connected, sectorNumber, buffers)
      if (operation === BlkifOp.Write && this.readOnly)
        throw new XenError('EROFS', `the disk ${this.path} is read-only`)
      if (byteLength === 0) return Promise.resolve()
      return engine.transfer({ operation, sectorNumber, buffers, byteLength, signal })
    } catch (error) {
      return Promise.reject(error)
    }
  }
}

const deviceNumber = (disk: string | number): number => (typeof disk === 'number' ? disk : virtualDeviceNumber(disk))
