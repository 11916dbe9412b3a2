import type { GuestHandle, GuestOptions, Toolstack, World } from '@split-driver/conformance'
import { EmulatedHost, Machine, type MachineMode } from '@split-driver/emulator'
import { XenstoreServer } from '@split-driver/xenstored'

/** What every emulated world can do, by its mode. */
export const emulatedSupports = (mode: MachineMode) => Machine.create({ mode, memoryMiB: 1, maxDomains: 1 }).supports

/** An emulated machine whose domains are all driven by the suite's own thread. */
export class EmulatedWorld implements World {
  readonly toolstack: Toolstack
  readonly #host: EmulatedHost

  static async create(mode: MachineMode): Promise<EmulatedWorld> {
    const xenstored = (dom0: ConstructorParameters<typeof XenstoreServer>[0]) => new XenstoreServer(dom0)
    return new EmulatedWorld(await EmulatedHost.boot({ mode, memoryMiB: 64, maxDomains: 8, xenstored }))
  }

  private constructor(host: EmulatedHost) {
    this.#host = host
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

  async ledger(): Promise<readonly string[]> {
    return this.#host.machine.ledger().map((entry) => entry.what)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#host[Symbol.asyncDispose]()
  }
}
