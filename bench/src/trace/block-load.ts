import { BlkifBackendBus, BlkifFrontend, MemoryBlockStore } from '@split-driver/blkif'
import { EmulatedHost } from '@split-driver/emulator'
import { type TraceRecorder, tracePlatform } from '@split-driver/trace'
import { XenstoreServer } from '@split-driver/xenstored'

const DISK_BYTES = 1 << 20
const READ_BYTES = 4096
const SECTORS_A_READ = READ_BYTES / 512

/** Where the steps of each domain go, if it is traced. */
export interface Traced {
  readonly backend?: TraceRecorder
  readonly frontend?: TraceRecorder
}

/** A disk in memory behind both halves of the block driver, in one thread, on an emulated machine of its own. */
export class BlockLoad implements AsyncDisposable {
  readonly #host: EmulatedHost
  readonly #disks: BlkifBackendBus
  readonly #disk: BlkifFrontend
  readonly #buffers: readonly Uint8Array[]

  /** @param depth reads under way at once */
  static async open(traced: Traced, depth: number): Promise<BlockLoad> {
    const host = await EmulatedHost.boot({ memoryMiB: 64, xenstored: (dom0) => new XenstoreServer(dom0) })
    const openStore = async () => new MemoryBlockStore(new Uint8Array(DISK_BYTES))
    const disks = await new BlkifBackendBus(tracePlatform(host.dom0, traced.backend), { openStore }).open()
    const guest = await host.createGuest({ name: 'load' })
    await host.toolstack.attachDevice(guest, { type: 'vbd', id: 51712, backendKeys: { mode: 'w' } })
    const disk = await BlkifFrontend.open(tracePlatform(guest, traced.frontend), 'xvda')
    return new BlockLoad(host, disks, disk, depth)
  }

  private constructor(host: EmulatedHost, disks: BlkifBackendBus, disk: BlkifFrontend, depth: number) {
    this.#host = host
    this.#disks = disks
    this.#disk = disk
    this.#buffers = Array.from({ length: depth }, () => new Uint8Array(READ_BYTES))
  }

  /** @returns thousands of reads of 4 KiB a second of the processor: what else runs on the host does not count */
  async round(reads: number): Promise<number> {
    let next = 0
    const reader = async (buffer: Uint8Array): Promise<void> => {
      while (next < reads) await this.#disk.read(((next++ * SECTORS_A_READ) % (DISK_BYTES / 512)) | 0, buffer)
    }
    const before = process.cpuUsage()
    await Promise.all(this.#buffers.map(reader))
    const { user, system } = process.cpuUsage(before)
    return (reads * 1000) / (user + system)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#disk.close()
    await this.#disks.close()
    await this.#host[Symbol.asyncDispose]()
  }
}
