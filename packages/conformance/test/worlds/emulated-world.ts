import type { Domid } from '@split-driver/abi'
import type { GuestHandle, GuestOptions, Toolstack, World } from '@split-driver/conformance'
import { EmulatedHost, Machine, type MachineMode } from '@split-driver/emulator'
import { XenstoreServer } from '@split-driver/xenstored'

/** What every emulated world can do, by its mode. */
export const emulatedSupports = (mode: MachineMode) => Machine.create({ mode, memoryMiB: 1, maxDomains: 1 }).supports

/** An emulated machine whose domains are all driven by the suite's own thread. */
export class EmulatedWorld implements World {
  readonly toolstack: Toolstack
  readonly #host: EmulatedHost
  readonly #server: XenstoreServer

  static async create(mode: MachineMode): Promise<EmulatedWorld> {
    let server: XenstoreServer | undefined
    const host = await EmulatedHost.boot({
      mode,
      memoryMiB: 64,
      maxDomains: 8,
      xenstored: (dom0) => {
        server = new XenstoreServer(dom0)
        return server
      },
    })
    return new EmulatedWorld(host, server!)
  }

  private constructor(host: EmulatedHost, server: XenstoreServer) {
    this.#host = host
    this.#server = server
    this.toolstack = { attachDevice: (guest, options) => host.toolstack.attachDevice(guest, options) }
  }

  get dom0() {
    return this.#host.dom0
  }

  get supports() {
    return this.#host.machine.supports
  }

  async createGuest({ name = 'guest' }: GuestOptions = {}): Promise<GuestHandle> {
    const platform = await this.#host.createGuest({ name })
    const { domid, console } = platform
    return { domid, platform, console, destroy: () => this.#host.toolstack.destroy(domid) }
  }

  async stranger(): Promise<Domid> {
    return (await this.#host.toolstack.create({ name: 'stranger' })).domid
  }

  async ledger(): Promise<readonly string[]> {
    const held = this.#server
      .holdings()
      .map(({ domid, watches, transactions }) => `${watches} watches, ${transactions} transactions of domain ${domid}`)
    return [...this.#host.machine.ledger().map((entry) => entry.what), ...held]
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#host[Symbol.asyncDispose]()
  }
}
