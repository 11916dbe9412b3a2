import { DOM0 } from '@split-driver/abi'
import type {
  DeviceHandle,
  DeviceOptions,
  GuestHandle,
  GuestOptions,
  Toolstack as SuiteToolstack,
  World,
} from '@split-driver/conformance'
import { type EmulatedPlatform, type Guest, Machine, type MachineMode, Toolstack } from '@split-driver/emulator'
import { channelPair, XenStoreClient } from '@split-driver/xenbus'
import { XenstoreServer } from '@split-driver/xenstored'

/** What every emulated world can do, by its mode. */
export const emulatedSupports = (mode: MachineMode) => Machine.create({ mode, memoryMiB: 1, maxDomains: 1 }).supports

/** An emulated machine whose domains are all driven by the suite's own thread. */
export class EmulatedWorld implements World {
  readonly dom0: EmulatedPlatform
  readonly toolstack: SuiteToolstack
  readonly #machine: Machine
  readonly #server: XenstoreServer
  readonly #connection: XenStoreClient
  readonly #toolstack: Toolstack

  static async create(mode: MachineMode): Promise<EmulatedWorld> {
    const machine = Machine.create({ mode, memoryMiB: 64, maxDomains: 8 })
    const control = machine.buildControlDomain()
    const dom0 = machine.attach(control.domid)
    const server = new XenstoreServer(dom0)
    const [daemonEnd, ourEnd] = channelPair()
    server.accept(daemonEnd, { domid: DOM0, privileged: true })
    const connection = new XenStoreClient(ourEnd)
    return new EmulatedWorld(machine, dom0, server, connection, await Toolstack.open(machine, connection, control))
  }

  private constructor(
    machine: Machine,
    dom0: EmulatedPlatform,
    server: XenstoreServer,
    connection: XenStoreClient,
    toolstack: Toolstack,
  ) {
    this.#machine = machine
    this.dom0 = dom0
    this.#server = server
    this.#connection = connection
    this.#toolstack = toolstack
    this.toolstack = { attachDevice: (guest, options) => this.#attachDevice(guest, options) }
  }

  get supports() {
    return this.#machine.supports
  }

  async createGuest({ name = 'guest' }: GuestOptions = {}): Promise<GuestHandle> {
    const guest: Guest = await this.#toolstack.create({ name })
    const platform = this.#toolstack.attach(guest)
    return {
      domid: guest.domid,
      platform,
      console: platform.console,
      destroy: () => this.#toolstack.destroy(guest.domid),
    }
  }

  async ledger(): Promise<readonly string[]> {
    return this.#machine.ledger().map((entry) => entry.what)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const domid of this.#toolstack.domids) await this.#toolstack.destroy(domid)
    await this.dom0[Symbol.asyncDispose]()
    await this.#connection[Symbol.asyncDispose]()
    this.#server[Symbol.dispose]()
  }

  #attachDevice(guest: GuestHandle, options: DeviceOptions): Promise<DeviceHandle> {
    return this.#toolstack.attachDevice(guest, options)
  }
}
