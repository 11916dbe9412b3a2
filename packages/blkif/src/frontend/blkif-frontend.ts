import { XenError } from '@split-driver/abi'
import type { Platform } from '@split-driver/platform'
import { FrontendDevice, type KeysToWrite, XenbusState } from '@split-driver/xenbus'
import { assertCount } from '../assert-count.js'
import { type BlkifAbi, NATIVE_ABI } from '../wire/blkif-abi.js'
import { geometryKeys, MAX_ORDER, offerKeys, ownDeviceKeys } from '../wire/device-keys.js'
import {
  FEATURE_MAX_INDIRECT_SEGMENTS,
  FEATURE_PERSISTENT,
  MAX_RING_PAGE_ORDER,
  MAX_RING_PAGES,
  TRUSTED,
  VIRTUAL_DEVICE,
} from '../wire/keys.js'
import { BlkifOp, MAX_INDIRECT_SEGMENTS, MAX_SEGMENTS } from '../wire/operations.js'
import { formatRingAddress } from '../wire/ring-keys.js'
import { virtualDeviceNumber } from '../wire/virtual-device.js'
import type {
  BlkifFrontendOptions,
  BlkifOpenOptions,
  DiscardOptions,
  TransferMemory,
  TransferOptions,
} from './blkif-frontend-options.js'
import { type BlkifFrontendStats, emptyFrontendStats } from './blkif-frontend-stats.js'
import { type DiskGeometry, judgeDiscard, judgeGeometry, judgeTransfer } from './disk-geometry.js'
import { FrontendQueue } from './frontend-queue.js'
import { IoBuffer } from './io-buffer.js'
import { type DiscardSupport, OptionalOperations } from './optional-operations.js'
import type { Buffers } from './scatter.js'
import type { TransferEngine } from './transfer-engine.js'

/** As Linux's blkfront unless told otherwise: 128 KiB a request. */
const USUAL_SEGMENTS = 32

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
  readonly #maxSegments: number
  readonly #dataPages: number
  readonly #abi: BlkifAbi
  readonly #onResize: ((sectorCount: number) => void) | undefined
  #queue: FrontendQueue | undefined
  #engine: TransferEngine | undefined
  #geometry: DiskGeometry | undefined
  #operations: OptionalOperations | undefined
  /** `trusted` is not 0: the backend may reach a caller's own memory. */
  #trusted = true

  /** @param path the device's directory, such as `device/vbd/51712` */
  constructor(platform: Platform, path: string, options: BlkifFrontendOptions = {}) {
    const { ringPageOrder = 0, dataPages = Number.POSITIVE_INFINITY, abi = NATIVE_ABI } = options
    const { maxSegments = USUAL_SEGMENTS } = options
    super(platform, path)
    assertCount('ringPageOrder', ringPageOrder, 0, MAX_ORDER)
    assertCount('maxSegments', maxSegments, MAX_SEGMENTS, MAX_INDIRECT_SEGMENTS)
    if (!(dataPages >= MAX_SEGMENTS))
      throw new RangeError(`dataPages must be at least ${MAX_SEGMENTS}, not ${dataPages}`)
    this.#ringPageOrder = ringPageOrder
    this.#maxSegments = maxSegments
    this.#dataPages = dataPages
    this.#abi = abi
    this.#onResize = options.onResize
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

  /** Size in units of 512 bytes, whatever the sector size; see `onResize`. */
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

  /** Operations that a backend need not do, as far as it offered them and still does them. */
  get features(): {
    readonly flushCache: boolean
    readonly barrier: boolean
    readonly discard: DiscardSupport | undefined
  } {
    return this.#open(this.#operations)
  }

  /**
   * Memory from and to which transfers of this disk copy nothing. It is the caller's to dispose. Where the toolstack says
   * that the backend is not to be trusted (`trusted` = 0), or another domain serves the disk by now, it works all the
   * same, and its bytes are copied.
   * @param byteLength at least 1
   * @throws XenError ENOSPC: no pages or grant references are left; CLOSED
   */
  allocate(byteLength: number): IoBuffer {
    this.#open(this.#engine)
    if (!Number.isInteger(byteLength) || byteLength < 1)
      throw new RangeError(`a buffer has at least one byte, not ${byteLength}`)
    if (!this.#trusted) return IoBuffer.private(byteLength)
    return IoBuffer.grant(this.host.sharer, this.otherend.domid, byteLength)
  }

  /**
   * Fills `target`, or several targets one after the other, from `sectorNumber` on.
   * @param sectorNumber in units of 512 bytes
   * @throws XenError EIO: the backend could not; CLOSED, RING_BAD_RESPONSE, RING_PROD_OVERFLOW: the device has closed, or
   * closes because of this; ABORTED; ENOSPC: no pages. RangeError: no whole sectors of this disk
   */
  read(sectorNumber: number, target: TransferMemory, options: TransferOptions = {}): Promise<void> {
    return this.#transfer(BlkifOp.Read, sectorNumber, target, options)
  }

  /**
   * Stores `source`, or several sources one after the other, at `sectorNumber`. They must not change before the promise is
   * settled. It is durable after a `flush` that began later.
   * @throws as `read`; XenError EROFS: the disk is read-only
   */
  write(sectorNumber: number, source: TransferMemory, options: TransferOptions = {}): Promise<void> {
    return this.#transfer(BlkifOp.Write, sectorNumber, source, options)
  }

  /**
   * Makes durable what was written by calls that are settled. By `feature-flush-cache`, else by an empty barrier (rule
   * 27). A backend that offers neither has no cache that could be flushed: then there is nothing to do.
   * @throws XenError EIO; EOPNOTSUPP: the backend offered it and does not do it; CLOSED … as `read`
   */
  flush({ signal }: TransferOptions = {}): Promise<void> {
    return this.#carryOut((engine, operations) => {
      const operation = operations.flushOperation
      if (operation !== undefined)
        return engine.transfer({ operation, sectorNumber: 0, buffers: [], byteLength: 0, signal })
      if (!operations.offeredFlush) return Promise.resolve()
      throw new XenError('EOPNOTSUPP', `the backend of ${this.path} does not flush its cache`)
    })
  }

  /**
   * Nobody needs these sectors any more: until they are written again each reads as it was or as zeros.
   * @param sectorNumber in units of 512 bytes, as `sectorCount`
   * @throws XenError EOPNOTSUPP: the backend does not offer it, or does not do it; EROFS; EIO; CLOSED … as `read`.
   * RangeError: no whole sectors of this disk
   */
  discard(sectorNumber: number, sectorCount: number, { signal, secure = false }: DiscardOptions = {}): Promise<void> {
    return this.#carryOut((engine, { discard }) => {
      judgeDiscard(this.#connected, sectorNumber, sectorCount)
      this.#demandWritable()
      if (discard === undefined) throw new XenError('EOPNOTSUPP', `the backend of ${this.path} does not take discards`)
      // Without `discard-secure` a backend would ignore the flag (rule 29), and the caller would believe in vain.
      if (secure && !discard.secure)
        throw new XenError('EOPNOTSUPP', `the backend of ${this.path} does not discard securely`)
      if (sectorCount === 0) return Promise.resolve()
      const operation = BlkifOp.Discard
      return engine.transfer({
        operation,
        sectorNumber,
        buffers: [],
        byteLength: 0,
        discard: { sectorCount, secure },
        signal,
      })
    })
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
    const own = await this.readOwn(ownDeviceKeys)
    const keys = await this.readOtherend(geometryKeys)
    this.#geometry = judgeGeometry(keys)
    this.#trusted = own[TRUSTED]
    const operations = new OptionalOperations(keys)
    this.#operations = operations
    this.#engine = this.#queue!.start({
      handle: own[VIRTUAL_DEVICE] ?? Number(this.path.slice(this.path.lastIndexOf('/') + 1)),
      sectorBytes: this.#geometry.sectorBytes,
      maxSegments: Math.max(MAX_SEGMENTS, Math.min(this.#maxSegments, keys[FEATURE_MAX_INDIRECT_SEGMENTS])),
      dataPages: this.#dataPages,
      stats: this.stats,
      onFailedRequest: (operation, status) => operations.failed(operation, status),
    })
  }

  /** Connected again means that the disk has another size (rule 30); nothing else of it may change in use. */
  protected override async otherendChanged(state: XenbusState | undefined): Promise<void> {
    const before = this.#geometry
    if (state !== XenbusState.Connected || before === undefined || this.#engine === undefined) return
    const { sectorCount } = judgeGeometry(await this.readOtherend(geometryKeys))
    if (sectorCount === before.sectorCount) return
    this.#geometry = { ...before, sectorCount }
    this.#onResize?.(sectorCount)
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
    return this.#open(this.#geometry)
  }

  /** @throws XenError CLOSED if there is none of it yet, or no longer */
  #open<T>(part: T | undefined): T {
    if (part === undefined) throw this.#closedError()
    return part
  }

  #closedError(): XenError {
    return new XenError('CLOSED', `the disk ${this.path} is not open`, { detail: { path: this.path } })
  }

  #demandWritable(): void {
    if (this.readOnly) throw new XenError('EROFS', `the disk ${this.path} is read-only`)
  }

  /** What `start` throws is the promise's rejection. */
  #carryOut(start: (engine: TransferEngine, operations: OptionalOperations) => Promise<void>): Promise<void> {
    try {
      return start(this.#open(this.#engine), this.#open(this.#operations))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #transfer(
    operation: BlkifOp,
    sectorNumber: number,
    memory: TransferMemory,
    { signal }: TransferOptions,
  ): Promise<void> {
    return this.#carryOut((engine) => {
      const ioBuffer = memory instanceof IoBuffer ? memory : undefined
      if (ioBuffer?.isDisposed) throw new XenError('CLOSED', 'the buffer has been disposed')
      const buffers = buffersOf(memory)
      const byteLength = judgeTransfer(this.#connected, sectorNumber, buffers)
      if (operation === BlkifOp.Write) this.#demandWritable()
      if (byteLength === 0) return Promise.resolve()
      return engine.transfer({ operation, sectorNumber, buffers, byteLength, ioBuffer, signal })
    })
  }
}

const buffersOf = (memory: TransferMemory): Buffers => {
  if (memory instanceof Uint8Array) return [memory]
  return memory instanceof IoBuffer ? [memory.bytes] : memory
}

const deviceNumber = (disk: string | number): number => (typeof disk === 'number' ? disk : virtualDeviceNumber(disk))
