import { DOM0, type Domid } from '@split-driver/abi'
import { type ByteChannel, channelPair, XenStoreClient } from '@split-driver/xenbus'
import { BareDomain } from './bare-domain.js'
import type { EmulatedPlatform } from './emulated-platform.js'
import { Machine, type MachineOptions } from './machine.js'
import { type GuestPlan, Toolstack } from './toolstack/toolstack.js'

/** What a host asks of a XenStore daemon; `XenstoreServer` of `@split-driver/xenstored` is one. */
export interface StoreDaemon extends Disposable {
  /** Serves whoever is at the channel's other end. */
  accept(channel: ByteChannel, as: { readonly domid: Domid; readonly privileged: boolean }): void
}

export interface HostOptions extends MachineOptions {
  /** Starts the XenStore daemon in the control domain: `(dom0) => new XenstoreServer(dom0)`. */
  readonly xenstored: (dom0: EmulatedPlatform) => StoreDaemon
}

/** A machine that is ready for use: its control domain runs in this thread, serves XenStore, and has a toolstack. */
export class EmulatedHost implements AsyncDisposable {
  readonly machine: Machine
  readonly dom0: EmulatedPlatform
  readonly toolstack: Toolstack
  /** The toolstack's connection to XenStore, which may do everything. */
  readonly store: XenStoreClient
  readonly #daemon: StoreDaemon

  static async boot({ xenstored, ...options }: HostOptions): Promise<EmulatedHost> {
    const machine = Machine.create(options)
    const control = machine.buildControlDomain()
    const dom0 = machine.attach(control.domid)
    const daemon = xenstored(dom0)
    const store = new XenStoreClient(connectControl(daemon), { clock: machine.clock, random: machine.random })
    return new EmulatedHost(machine, dom0, daemon, store, await Toolstack.open(machine, store, control))
  }

  private constructor(
    machine: Machine,
    dom0: EmulatedPlatform,
    daemon: StoreDaemon,
    store: XenStoreClient,
    toolstack: Toolstack,
  ) {
    this.machine = machine
    this.dom0 = dom0
    this.#daemon = daemon
    this.store = store
    this.toolstack = toolstack
  }

  /** Builds a guest whose code is the caller's, in this thread. @throws XenError ENOMEM ENOSPC; RangeError */
  async createGuest(plan: GuestPlan): Promise<EmulatedPlatform> {
    return this.toolstack.attach(await this.toolstack.create(plan))
  }

  /** A domain that XenStore was not told of, and whose end of its ring is the caller's. @throws as `createGuest` */
  async createBareDomain(plan: GuestPlan): Promise<BareDomain> {
    const platform = await this.createGuest(plan)
    const bare = new BareDomain(platform, () => this.toolstack.destroy(platform.domid))
    await this.store.release(platform.domid)
    return bare
  }

  /** One more connection of the control domain to XenStore, as over its daemon's socket. */
  connectStore(): ByteChannel {
    return connectControl(this.#daemon)
  }

  /** Destroys the guests, then stops the daemon. Backends in the control domain are their owners' to close before. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.toolstack[Symbol.asyncDispose]()
    this.store.close()
    this.#daemon[Symbol.dispose]()
    await this.dom0[Symbol.asyncDispose]()
    this.machine.simulation?.stop()
  }
}

const connectControl = (daemon: StoreDaemon): ByteChannel => {
  const [daemonEnd, ourEnd] = channelPair()
  daemon.accept(daemonEnd, { domid: DOM0, privileged: true })
  return ourEnd
}
