import { type BlkifBackend, BlkifBackendBus, type BlkifBackendStats, type BlockStore } from '@split-driver/blkif'
import type { Platform } from '@split-driver/platform'
import { XenbusState } from '@split-driver/xenbus'
import { EventEmitter } from 'events'
import type TypedEmitter from 'typed-emitter'
import type { Daemon } from '../daemon/daemon.js'
import { StoreSentinel } from '../daemon/store-sentinel.js'
import type { BlkbackConfig } from './blkback-config.js'
import { ImageCatalog } from './image-catalog.js'
import { type ServedDisk, servedDisk } from './served-disk.js'

/** What is behind a disk. */
export interface OpenedImage {
  /** The path of a file or a block device, or an NBD URI. */
  readonly file: string
  readonly byteLength: number
  readonly readOnly: boolean
}

export type BlkbackEvents = {
  /** The disk has another size, and its guest was told so. */
  resize: (disk: ServedDisk, byteLength: number) => void
  /** A guest uses its disk. */
  connect: (disk: ServedDisk, image: OpenedImage) => void
  /** It does not any more. The figures count since the device was created. */
  disconnect: (disk: ServedDisk, stats: Readonly<BlkifBackendStats>) => void
  /** This device failed: its guest broke the protocol, or it may not have what it asked for. The others go on. */
  'device-error': (disk: ServedDisk, error: Error) => void
  /** The image could not be read or written; the request was answered with an error. */
  'io-error': (disk: ServedDisk, error: Error) => void
  /** The server that the image lies on has gone: requests wait until it is back, for two minutes. */
  'image-away': (disk: ServedDisk, error: Error) => void
  /** It is back, and goes on. */
  'image-back': (disk: ServedDisk) => void
  /** XenStore could not be read there. */
  'store-error': (path: string, error: Error) => void
  /** XenStore does not answer: what is served goes on, and devices neither come nor go. */
  'store-away': () => void
  /** It answers again, and everything has been looked at anew. */
  'store-back': () => void
}

const Emitter = EventEmitter as unknown as new () => TypedEmitter<BlkbackEvents>

/** Serves every disk of one kind from images that a configuration allows. No guest can end it. */
export class BlkbackDaemon extends Emitter implements Daemon {
  readonly #platform: Platform
  readonly #bus: BlkifBackendBus
  /** What each device's directory was given last. */
  readonly #opened = new Map<string, OpenedImage>()
  #config: BlkbackConfig
  #catalog: ImageCatalog
  #sentinel: StoreSentinel | undefined

  constructor(platform: Platform, config: BlkbackConfig) {
    super()
    this.#platform = platform
    this.#config = config
    this.#catalog = new ImageCatalog(config, platform.clock)
    this.#bus = new BlkifBackendBus(platform, {
      kind: config.kind,
      openStore: (disk) => this.#openImage(disk),
      onStoreError: (error, { path }) => this.emit('io-error', servedDisk(path), asError(error)),
    })
    this.#bus.on('device', (device) => this.#follow(device as BlkifBackend))
    this.#bus.on('device-closed', ({ path }) => this.#opened.delete(path))
    this.#bus.on('error', (error, path) => this.emit('store-error', path, error))
  }

  /** Those that are being served now. */
  get devices(): readonly BlkifBackend[] {
    return this.#bus.devices
  }

  get config(): BlkbackConfig {
    return this.#config
  }

  get lost(): Promise<Error> {
    return this.#sentinel?.lost ?? new Promise(() => undefined)
  }

  /** Begins to serve. Once. @throws XenError if XenStore refuses its watches; nothing stays open then */
  async open(): Promise<this> {
    this.#sentinel = await StoreSentinel.open(this.#platform.xenstore, {
      onAway: () => this.emit('store-away'),
      onBack: () => this.emit('store-back'),
    })
    try {
      await this.#bus.open()
    } catch (error) {
      await this.#sentinel[Symbol.asyncDispose]()
      throw error
    }
    return this
  }

  /**
   * From now on disks are opened by `config`; those that are open stay as they are.
   * @throws RangeError if it names another `kind`: that cannot change while the daemon runs
   */
  reconfigure(config: BlkbackConfig): void {
    const { kind } = this.#config
    if (config.kind !== kind)
      throw new RangeError(
        `"kind" cannot change from "${kind}" to "${config.kind}" while the daemon runs: start it anew`,
      )
    this.#config = config
    this.#catalog = new ImageCatalog(config, this.#platform.clock)
  }

  /** Looks how large each disk is by now, and tells the guests of those that have another size. */
  async refreshSizes(): Promise<void> {
    for (const device of this.devices) {
      const disk = servedDisk(device.path)
      try {
        if (await device.refreshSize()) this.emit('resize', disk, device.byteLength!)
      } catch (error) {
        this.emit('io-error', disk, asError(error))
      }
    }
  }

  async close(): Promise<void> {
    await this.#sentinel?.[Symbol.asyncDispose]()
    await this.#bus.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #openImage(disk: {
    readonly path: string
    readonly params: string
    readonly mode: 'r' | 'w'
  }): Promise<BlockStore> {
    const served = servedDisk(disk.path)
    const store = await this.#catalog.open(disk, {
      onLost: (error) => this.emit('image-away', served, error),
      onBack: () => this.emit('image-back', served),
    })
    const { byteLength, readOnly } = store
    this.#opened.set(disk.path, { file: 'uri' in store ? store.uri : store.path, byteLength, readOnly })
    return store
  }

  #follow(device: BlkifBackend): void {
    const disk = servedDisk(device.path)
    let connected = false
    const end = (): void => {
      if (connected) this.emit('disconnect', disk, device.stats)
      connected = false
    }
    device.on('state', (state) => {
      const image = this.#opened.get(device.path)
      if (state === XenbusState.Connected && image !== undefined) {
        connected = true
        this.emit('connect', disk, image)
      } else if (state === XenbusState.Closed) end()
    })
    device.on('error', (error) => this.emit('device-error', disk, error))
    // Also a device whose directory was taken away: then there is no state to write.
    device.on('closed', end)
  }
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)))
