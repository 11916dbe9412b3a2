import { BlkifBackendBus, BlkifFrontend, MemoryBlockStore } from '@split-driver/blkif'
import { ConsoleDaemon, ConsoleFrontend } from '@split-driver/console'
import { EmulatedHost } from '@split-driver/emulator'
import { XenstoreServer } from '@split-driver/xenstored'

/** 512 KiB a domain; a disk that does nothing takes few of them. */
const MEMORY_PAGES = 128

const DISK_BYTES = 1 << 16

interface Dweller {
  readonly console: ConsoleFrontend
  readonly disk: BlkifFrontend
}

/** What the crowd has cost. */
export interface Cost {
  readonly domains: number
  readonly milliseconds: number
  /** Of the emulated machine. */
  readonly frames: number
  /** Of the host, resident: the machine's touched frames, and the JavaScript of both ends. */
  readonly residentBytes: number
}

/** Many domains in one machine, each with a console and a disk that are connected; all backends are in one control domain. */
export class Crowd implements AsyncDisposable {
  readonly #host: EmulatedHost
  readonly #disks: BlkifBackendBus
  readonly #consoles: ConsoleDaemon
  readonly #dwellers: Dweller[] = []

  /** @param most how many domains it may grow to */
  static async open(most: number): Promise<Crowd> {
    const memoryMiB = 64 + Math.ceil((most * (MEMORY_PAGES + 32)) / 256)
    const xenstored = (dom0: ConstructorParameters<typeof XenstoreServer>[0]) => new XenstoreServer(dom0)
    const host = await EmulatedHost.boot({ memoryMiB, maxDomains: most + 1, xenstored })
    const openStore = async () => new MemoryBlockStore(new Uint8Array(DISK_BYTES))
    const disks = await new BlkifBackendBus(host.dom0, { openStore }).open()
    return new Crowd(host, disks, await ConsoleDaemon.start({ platform: host.dom0 }))
  }

  private constructor(host: EmulatedHost, disks: BlkifBackendBus, consoles: ConsoleDaemon) {
    this.#host = host
    this.#disks = disks
    this.#consoles = consoles
  }

  /** `count` more domains, one after the other; done when every disk has been read and every console heard. */
  async grow(count: number): Promise<Cost> {
    const start = performance.now()
    for (let i = 0; i < count; i++) await this.#admit(`guest-${this.#dwellers.length + 1}`)
    const milliseconds = performance.now() - start
    const { xen } = this.#host.machine
    const { domids } = this.#host.toolstack
    const frames = domids.reduce((sum, domid) => sum + xen.framesOf(domid), 0)
    return { domains: domids.length, milliseconds, frames, residentBytes: process.memoryUsage.rss() }
  }

  /** Nobody does anything for so long. @returns the share of a core that this takes */
  async idle(milliseconds: number): Promise<number> {
    const before = process.cpuUsage()
    await new Promise((resolve) => setTimeout(resolve, milliseconds))
    const { user, system } = process.cpuUsage(before)
    return (user + system) / 1000 / milliseconds
  }

  /** Domains whose console the daemon has heard, and disks that a backend serves. */
  get connected(): { readonly consoles: number; readonly disks: number } {
    const heard = this.#consoles.consoles().filter(({ log }) => log.end > log.start)
    return { consoles: heard.length, disks: this.#disks.devices.length }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { console, disk } of this.#dwellers) {
      await disk.close()
      await console[Symbol.asyncDispose]()
    }
    await this.#consoles.close()
    await this.#disks.close()
    await this.#host[Symbol.asyncDispose]()
  }

  async #admit(name: string): Promise<void> {
    const guest = await this.#host.createGuest({ name, memoryPages: MEMORY_PAGES })
    await this.#host.toolstack.attachDevice(guest, { type: 'vbd', id: 51712, backendKeys: { mode: 'w' } })
    const console = new ConsoleFrontend({ ...guest.console, events: guest.events })
    await console.line('here')
    const disk = await BlkifFrontend.open(guest, 'xvda')
    await disk.read(0, new Uint8Array(512))
    this.#dwellers.push({ console, disk })
  }
}
