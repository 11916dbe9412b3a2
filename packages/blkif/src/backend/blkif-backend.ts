import { SECTOR_BYTES } from '@split-driver/abi'
import type { Platform } from '@split-driver/platform'
import { BackendDevice, type KeysToWrite } from '@split-driver/xenbus'
import { assertCount } from '../assert-count.js'
import type { BlockStore, DiscardUnits } from '../block-store.js'
import { diskKeys, frontendFeatureKeys, MAX_ORDER } from '../wire/device-keys.js'
import {
  DEVICE_TYPE,
  DISCARD_ALIGNMENT,
  DISCARD_ENABLE,
  DISCARD_GRANULARITY,
  DISCARD_SECURE,
  FEATURE_BARRIER,
  FEATURE_DISCARD,
  FEATURE_FLUSH_CACHE,
  FEATURE_MAX_INDIRECT_SEGMENTS,
  FEATURE_PERSISTENT,
  INFO,
  MAX_RING_PAGE_ORDER,
  MAX_RING_PAGES,
  MODE,
  PARAMS,
  PHYSICAL_SECTOR_SIZE,
  SECTOR_SIZE,
  SECTORS,
  TYPE,
} from '../wire/keys.js'
import { MAX_INDIRECT_SEGMENTS, Vdisk } from '../wire/operations.js'
import { readRingAddress } from '../wire/ring-keys.js'
import { BackendQueue } from './backend-queue.js'
import { type BlkifBackendStats, emptyBackendStats } from './blkif-backend-stats.js'
import { PERSISTENT_LIMIT } from './persistent-pages.js'

/** What the toolstack says of a disk, in the backend's own directory. Nothing of it is the guest's to say. */
export interface DiskDescription {
  /** The backend's directory. */
  readonly path: string
  /** What is behind the disk, such as a file's path; "" if the toolstack wrote none. */
  readonly params: string
  /** Whether the guest may write. */
  readonly mode: 'r' | 'w'
  /** `file`, `phy` …; "" if the toolstack wrote none. */
  readonly type: string
  /** `disk` or `cdrom`. */
  readonly deviceType: string
}

export interface BlkifBackendOptions {
  /**
   * Opens what is behind a disk, before each connection; it is disposed after it. A rejection fails this device alone: its
   * message becomes the device's error node.
   */
  readonly openStore: (disk: DiskDescription) => Promise<BlockStore>
  /** The store failed at a good request, which was answered with an error. Not called for the guest's own mistakes. */
  readonly onStoreError?: (error: unknown, disk: DiskDescription) => void
  /** Most segments of an indirect request, 0 (none are taken) to 4096; 256 unless given, as Linux offers. */
  readonly maxIndirectSegments?: number
  /** Most pages of one ring that are kept mapped between requests, 0 for none; 1056 unless given. */
  readonly persistentPages?: number
}

const USUAL_INDIRECT_SEGMENTS = 256

interface OpenDisk {
  readonly description: DiskDescription
  readonly store: BlockStore
  /** By the toolstack's `mode`, or because the store cannot be written. */
  readonly readOnly: boolean
  /** What is offered; undefined if the store cannot, or the toolstack does not want it. */
  readonly discard: DiscardUnits | undefined
}

/** Serves one virtual disk to one guest: `backend/vbd/<guest's domid>/<virtual device>`. */
export class BlkifBackend extends BackendDevice<Platform> {
  /** Since the device was created, over all its connections. */
  readonly stats: BlkifBackendStats = emptyBackendStats()
  readonly #options: BlkifBackendOptions
  readonly #maxIndirectSegments: number
  readonly #persistentPages: number
  #disk: OpenDisk | undefined
  #queue: BackendQueue | undefined
  #disposed = Promise.resolve()

  constructor(platform: Platform, path: string, options: BlkifBackendOptions) {
    super(platform, path)
    const { maxIndirectSegments = USUAL_INDIRECT_SEGMENTS, persistentPages = PERSISTENT_LIMIT } = options
    assertCount('maxIndirectSegments', maxIndirectSegments, 0, MAX_INDIRECT_SEGMENTS)
    assertCount('persistentPages', persistentPages, 0, Number.MAX_SAFE_INTEGER)
    this.#options = options
    this.#maxIndirectSegments = maxIndirectSegments
    this.#persistentPages = persistentPages
    this.once('closed', () => {
      this.#disposed = this.#closeDisk()
    })
  }

  /** The size of the store, while there is one: from the offer to a frontend to its end. */
  get byteLength(): number | undefined {
    return this.#disk?.store.byteLength
  }

  override async close(): Promise<void> {
    await super.close()
    await this.#disposed
  }

  /**
   * Looks how large the store is by now, and tells the guest where that is another size (rule 30).
   * @returns whether it is; false, too, where there is no guest, or a store whose size never changes
   * @throws XenError what the store says: the size stays what it was
   */
  async refreshSize(): Promise<boolean> {
    const { store } = this.#disk ?? {}
    const before = store?.byteLength
    await store?.refreshSize?.()
    if (store === undefined || store.byteLength === before || store !== this.#disk?.store) return false
    const sectors = store.byteLength / SECTOR_BYTES
    this.#queue?.resize(sectors)
    return this.announce({ [SECTORS]: sectors })
  }

  protected override async offer(): Promise<KeysToWrite> {
    await this.#closeDisk()
    const keys = await this.readOwn(diskKeys)
    const description: DiskDescription = {
      path: this.path,
      params: keys[PARAMS],
      mode: keys[MODE],
      type: keys[TYPE],
      deviceType: keys[DEVICE_TYPE],
    }
    const store = await this.#options.openStore(description)
    const readOnly = description.mode === 'r' || store.readOnly
    const offersDiscard = keys[DISCARD_ENABLE] && !readOnly && store.discard !== undefined
    this.#disk = { description, store, readOnly, discard: offersDiscard ? store.discardUnits : undefined }
    return {
      [FEATURE_PERSISTENT]: this.#persistentPages > 0,
      // A backend that takes no indirect requests must not have the key at all.
      [FEATURE_MAX_INDIRECT_SEGMENTS]: this.#maxIndirectSegments > 0 ? this.#maxIndirectSegments : undefined,
      [MAX_RING_PAGE_ORDER]: MAX_ORDER,
      [MAX_RING_PAGES]: 1 << MAX_ORDER,
      [FEATURE_FLUSH_CACHE]: true,
      [FEATURE_BARRIER]: true,
    }
  }

  protected async connect(): Promise<KeysToWrite> {
    const address = await readRingAddress((keys) => this.readOtherend(keys), MAX_ORDER)
    const { [FEATURE_PERSISTENT]: persistent } = await this.readOtherend(frontendFeatureKeys)
    const { store, readOnly, description, discard } = this.#disk!
    const sectors = store.byteLength / SECTOR_BYTES
    this.#queue = new BackendQueue({
      platform: this.host,
      otherend: this.otherend,
      address,
      store,
      disk: {
        sectors,
        sectorsPerBlock: store.sectorBytes / SECTOR_BYTES,
        readOnly,
        maxIndirectSegments: this.#maxIndirectSegments,
        discard: discard && { secure: discard.secure ?? false },
      },
      persistentPages: persistent ? this.#persistentPages : 0,
      stats: this.stats,
      onBroken: (error) => this.fail(error),
      onStoreError: (error) => this.#options.onStoreError?.(error, description),
    })
    return {
      [SECTORS]: sectors,
      [SECTOR_SIZE]: store.sectorBytes,
      [PHYSICAL_SECTOR_SIZE]: store.physicalSectorBytes ?? store.sectorBytes,
      [INFO]: (readOnly ? Vdisk.ReadOnly : 0) | (description.deviceType === 'cdrom' ? Vdisk.Cdrom : 0),
      ...discardKeys(discard),
    }
  }

  protected async disconnect(): Promise<void> {
    const queue = this.#queue
    this.#queue = undefined
    await queue?.stop()
  }

  async #closeDisk(): Promise<void> {
    const disk = this.#disk
    this.#disk = undefined
    await disk?.store[Symbol.asyncDispose]()
  }
}

/** Who discards tells both sizes, also where single sectors can be (blkif.h, note 4). */
const discardKeys = (units: DiscardUnits | undefined): KeysToWrite =>
  units === undefined
    ? { [FEATURE_DISCARD]: false }
    : {
        [FEATURE_DISCARD]: true,
        [DISCARD_GRANULARITY]: units.granularityBytes,
        [DISCARD_ALIGNMENT]: units.alignmentBytes ?? 0,
        [DISCARD_SECURE]: units.secure ?? false,
      }
