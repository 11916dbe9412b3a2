import {
  BlkifBackendBus,
  type BlkifBackendOptions,
  type BlockStore,
  type DiskDescription,
  MemoryBlockStore,
} from '@split-driver/blkif'
import { EmulatedHost, type EmulatedPlatform, type MachineMode } from '@split-driver/emulator'
import { XenstoreServer } from '@split-driver/xenstored'
import { expect } from 'vitest'

export const XVDA = 51712

export interface AttachOptions {
  readonly id?: number
  readonly mode?: string
  readonly backendKeys?: Readonly<Record<string, string>>
  readonly frontendKeys?: Readonly<Record<string, string>>
}

/** A machine in one thread whose control domain serves disks in memory. */
export class DiskHost implements AsyncDisposable {
  readonly host: EmulatedHost
  readonly bus: BlkifBackendBus
  /** Content of the disks, by their `params`. */
  readonly disks = new Map<string, Uint8Array>()
  /** Stores that were opened and not disposed. */
  readonly open = new Set<BlockStore>()
  /** What happened to devices, one line each. */
  readonly errors: string[] = []

  static async boot(options: Partial<BlkifBackendOptions> = {}, mode: MachineMode = 'inline'): Promise<DiskHost> {
    const host = await EmulatedHost.boot({ mode, memoryMiB: 96, xenstored: (dom0) => new XenstoreServer(dom0) })
    const made = new DiskHost(host, options)
    await made.bus.open()
    return made
  }

  private constructor(host: EmulatedHost, options: Partial<BlkifBackendOptions>) {
    this.host = host
    this.bus = new BlkifBackendBus(host.dom0, { openStore: (disk) => this.#openStore(disk), ...options })
    this.bus.on('device', (device) => {
      device.on('error', (error) => this.errors.push(`${device.path}: ${error.message}`))
    })
  }

  async #openStore(disk: DiskDescription): Promise<BlockStore> {
    const content = this.disks.get(disk.params)
    if (content === undefined) throw new Error(`there is no disk called "${disk.params}"`)
    return this.track(new MemoryBlockStore(content))
  }

  /** Sees to it that `store` is disposed in the end. */
  track(store: BlockStore): BlockStore {
    const dispose = store[Symbol.asyncDispose].bind(store)
    store[Symbol.asyncDispose] = () => {
      this.open.delete(store)
      return dispose()
    }
    this.open.add(store)
    return store
  }

  /** A guest; it has `disk` as xvda, if one is given. */
  async guest(disk?: Uint8Array, options: AttachOptions = {}): Promise<EmulatedPlatform> {
    const guest = await this.host.createGuest({ name: this.host.toolstack.freeName('guest'), memoryPages: 8192 })
    if (disk !== undefined) await this.attach(guest, disk, options)
    return guest
  }

  attach(guest: EmulatedPlatform, disk: Uint8Array, options: AttachOptions = {}) {
    const { id = XVDA, mode = 'w', backendKeys = {}, frontendKeys = {} } = options
    const params = `${guest.domid}:${id}`
    this.disks.set(params, disk)
    return this.host.toolstack.attachDevice(guest, {
      type: 'vbd',
      id,
      frontendKeys: { 'virtual-device': String(id), ...frontendKeys },
      backendKeys: { mode, params, ...backendKeys },
    })
  }

  /** Waits until something stands in the error node of a backend. */
  async backendError(guest: EmulatedPlatform, id = XVDA): Promise<string> {
    for (;;) {
      const error = await this.host.dom0.xenstore.tryRead(`error/backend/vbd/${guest.domid}/${id}/error`)
      if (error !== undefined) return error
    }
  }

  /** Time in which whatever is under way comes as far as it can. */
  async idle(): Promise<void> {
    for (let turn = 0; turn < 100; turn++) await this.host.dom0.xenstore.tryRead('domid')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.bus.close()
    for (const domid of this.host.toolstack.domids) await this.host.toolstack.destroy(domid)
    const left = this.host.machine.ledger().map(({ what }) => what)
    await this.host[Symbol.asyncDispose]()
    expect(left, 'the ledger').toEqual([])
    expect(this.open.size, 'stores left open').toBe(0)
  }
}
