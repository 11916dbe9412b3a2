import type { Domid } from '@split-driver/abi'
import type { Capabilities } from '@split-driver/platform'
import type { AttachedDevice, ByteChannel, DeviceOptions } from '@split-driver/xenbus'
import type { BareDomain } from './bare-domain.js'
import type { DomainPlan } from './building/domain-builder.js'
import { EmulatedHost, type HostOptions, type StoreDaemon } from './emulated-host.js'
import type { EmulatedPlatform, PrimaryConsole } from './emulated-platform.js'
import { Machine, type MachineMode } from './machine.js'

/** A XenStore daemon that can say what its clients hold, as `XenstoreServer` can. */
export interface AccountableDaemon extends StoreDaemon {
  holdings(): readonly { readonly domid: Domid; readonly watches: number; readonly transactions: number }[]
}

export interface WorldOptions extends HostOptions {
  readonly xenstored: (dom0: EmulatedPlatform) => AccountableDaemon
  /** What each guest is built by. */
  readonly guestPlan?: DomainPlan
}

/** What such a world can do: also connections to XenStore's daemon itself, and domains that it is not told of. */
export interface EmulatedCapabilities extends Capabilities {
  readonly storeWire: true
  readonly bareDomains: true
}

/** A guest whose code is the caller's. */
export interface WorldGuest {
  readonly domid: Domid
  readonly platform: EmulatedPlatform
  readonly console: PrimaryConsole
  /** Ends the domain as a crash would. Idempotent. */
  destroy(): Promise<void>
}

/**
 * An emulated host in the shape that every world has (`World` of `@split-driver/conformance`): what is written against it
 * runs on real Xen, too. All domains are driven by the caller's thread.
 */
export class EmulatedWorld implements AsyncDisposable {
  readonly dom0: EmulatedPlatform
  readonly supports: EmulatedCapabilities
  readonly store: { connect(): Promise<ByteChannel>; createDomain(): Promise<BareDomain> }
  readonly toolstack: { attachDevice(guest: { domid: Domid }, options: DeviceOptions): Promise<AttachedDevice> }
  readonly #host: EmulatedHost
  readonly #daemon: AccountableDaemon
  readonly #guestPlan: DomainPlan

  /** What every emulated world can do, by its mode. */
  static supports(mode: MachineMode): EmulatedCapabilities {
    return supportsOf(Machine.create({ mode, memoryMiB: 1, maxDomains: 1 }))
  }

  static async create({ guestPlan = {}, ...options }: WorldOptions): Promise<EmulatedWorld> {
    let daemon: AccountableDaemon | undefined
    const xenstored = (dom0: EmulatedPlatform) => {
      daemon = options.xenstored(dom0)
      return daemon
    }
    const host = await EmulatedHost.boot({ ...options, xenstored })
    return new EmulatedWorld(host, daemon!, guestPlan)
  }

  private constructor(host: EmulatedHost, daemon: AccountableDaemon, guestPlan: DomainPlan) {
    this.#host = host
    this.#daemon = daemon
    this.#guestPlan = guestPlan
    this.dom0 = host.dom0
    this.supports = supportsOf(host.machine)
    this.store = {
      connect: async () => host.connectStore(),
      createDomain: () => host.createBareDomain({ ...guestPlan, name: host.toolstack.freeName('bare') }),
    }
    this.toolstack = { attachDevice: (guest, options) => host.toolstack.attachDevice(guest, options) }
  }

  /** @throws XenError ENOMEM ENOSPC */
  async createGuest({ name = 'guest' }: { readonly name?: string } = {}): Promise<WorldGuest> {
    const plan = { ...this.#guestPlan, name: this.#host.toolstack.freeName(name) }
    const platform = await this.#host.createGuest(plan)
    const { domid, console } = platform
    return { domid, platform, console, destroy: () => this.#host.toolstack.destroy(domid) }
  }

  /** A domain that exists and never runs. */
  async stranger(): Promise<Domid> {
    return (await this.#host.toolstack.create({ name: this.#host.toolstack.freeName('stranger') })).domid
  }

  /** What is open now, one line an entry: ports, grants, mappings, watches, transactions. */
  async ledger(): Promise<readonly string[]> {
    const held = this.#daemon
      .holdings()
      .map(({ domid, watches, transactions }) => `${watches} watches, ${transactions} transactions of domain ${domid}`)
    return [...this.#host.machine.ledger().map((entry) => entry.what), ...held]
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#host[Symbol.asyncDispose]()
  }
}

const supportsOf = ({ supports }: Machine): EmulatedCapabilities => ({
  ...supports,
  storeWire: true,
  bareDomains: true,
})
