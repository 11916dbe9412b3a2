import { SECTOR_BYTES } from '@split-driver/abi'
import type { Platform } from '@split-driver/platform'
import { BackendDevice, type KeysToWrite } from '@split-driver/xenbus'
import type { BlockStore } from '../block-store.js'
import { diskKeys, MAX_ORDER } from '../wire/device-keys.js'
import {
  DEVICE_TYPE,
  FEATURE_BARRIER,
  FEATURE_FLUSH_CACHE,
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
import { Vdisk } from '../wire/operations.js'
import { readRingAddress } from '../wire/ring-keys.js'
import { BackendQueue } from './backend-queue.js'
import { type BlkifBackendStats, emptyBackendStats } from './blkif-backend-stats.js'

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
}

interface OpenDisk {
  readonly description: DiskDescription
  readonly store: BlockStore
  /** By the toolstack's `mode`, or because the store cannot be written. */
  readonly readOnly: boolean
}

/** Serves one virtual disk to one guest: `backend/vbd/<guest's domid>/<virtual device>`. */
export class BlkifBackend extends BackendDevice<Platform> {
  /** Since the device was created, over all its connections. */
  readonly stats: BlkifBackendStats = emptyBackendStats()
  readonly #options: BlkifBackendOptions
  #disk: OpenDisk | undefined
  #queue: BackendQueue | undefined
  #disposed = Promise.resolve()

  constructor(platform: Platform, path: string, options: BlkifBackendOptions) {
    super(platform, path)
    this.#options = options
    this.once('closed', () => {
      this.#disposed = this.#closeDisk()
    })
  }

  override async close(): Promise<void> {
    await super.close()
    await this.#disposed
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
    this.#disk = { description, store, readOnly: description.mode === 'r' || store.readOnly }
    return {
      [MAX_RING_PAGE_ORDER]: MAX_ORDER,
      [MAX_RING_PAGES]: 1 << MAX_ORDER,
      [FEATURE_FLUSH_CACHE]: true,
      [FEATURE_BARRIER]: true,
    }
  }

  protected async connect(): Promise<KeysToWrite> {
    const address = await readRingAddress((keys) => this.readOtherend(keys), MAX_ORDER)
    const { store, readOnly, description } = this.#disk!
    const sectors = store.byteLength / SECTOR_BYTES
    this.#queue = new BackendQueue({
      platform: this.host,
      otherend: this.otherend,
      address,
      store,
      disk: { sectors, sectorsPerBlock: store.sectorBytes / SECTOR_BYTES, readOnly },
      stats: this.stats,
      onBroken: (error) => this.fail(error),
      onStoreError: (error) => this.#options.onStoreError?.(error, description),
    })
    return {
      [SECTORS]: sectors,
      [SECTOR_SIZE]: store.sectorBytes,
      [PHYSICAL_SECTOR_SIZE]: store.sectorBytes,
      [INFO]: (readOnly ? Vdisk.ReadOnly : 0) | (description.deviceType === 'cdrom' ? Vdisk.Cdrom : 0),
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
