import { DOM0, type Domid, type FrameNumber, type Port, XenError } from '@split-driver/abi'
import type {
  BareDomain,
  GuestHandle,
  GuestOptions,
  StoreAccess,
  World,
  WorldCapabilities,
} from '@split-driver/conformance'
import type { Platform } from '@split-driver/platform'
import { type ByteChannel, domainPath, XenStoreClient } from '@split-driver/xenbus'
import { hostClock, hostPacing, SocketChannel } from '@split-driver/xenbus/node'
import type { Daemon } from './daemon.js'
import { GuestChannel } from './guest-channel.js'

/** Such a world is a XenStore daemon and nobody else: there are rights and deaths of domains, but no machine. */
export const DAEMON_WORLD_SUPPORTS: WorldCapabilities = {
  grantCopy: false,
  checkedMemory: false,
  heldPageCount: false,
  separateDomains: true,
  parallel: true,
  virq: false,
  ipi: false,
  unmapNotify: false,
  virtualTime: false,
  faults: false,
  storeWire: true,
  bareDomains: true,
}

/** INTRODUCE must name both, and none of these daemons looks at them here. */
const FRAME = 1 as FrameNumber
const PORT = 1 as Port

/** A domain of which there is nothing but what it says to XenStore. */
class StorePlatform implements Platform {
  readonly clock = hostClock
  readonly supports = DAEMON_WORLD_SUPPORTS

  constructor(
    readonly domid: Domid,
    readonly xenstore: XenStoreClient,
  ) {}

  get events(): never {
    return this.#lack('event channels')
  }

  get sharer(): never {
    return this.#lack('grants')
  }

  get mapper(): never {
    return this.#lack('grants')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.xenstore[Symbol.asyncDispose]()
  }

  #lack(what: string): never {
    throw new XenError('ENOSYS', `a domain of a XenStore daemon without a machine has no ${what}`)
  }
}

/** One daemon as a world for `xenstoreSuite`: clients at its socket are the control domain's, guests are behind rings. */
export class DaemonWorld implements World {
  readonly dom0: Platform & { readonly xenstore: XenStoreClient }
  readonly supports = DAEMON_WORLD_SUPPORTS
  readonly toolstack = {
    attachDevice: () => Promise.reject(new XenError('ENOSYS', 'there are no devices without a machine')),
  }
  readonly store: StoreAccess = {
    connect: () => this.#connect(),
    createDomain: async () => this.#createDomain(),
  }
  readonly #daemon: Daemon
  /** What is to be ended, by domid. */
  readonly #domains = new Map<Domid, () => Promise<void>>()
  #lastDomid = 0

  static async start(start: () => Promise<Daemon>): Promise<DaemonWorld> {
    const daemon = await start()
    return new DaemonWorld(daemon, await SocketChannel.connect(daemon.socketPath))
  }

  private constructor(daemon: Daemon, channel: ByteChannel) {
    this.#daemon = daemon
    this.dom0 = new StorePlatform(DOM0, new XenStoreClient(channel, hostPacing()))
  }

  async createGuest({ name = 'guest' }: GuestOptions = {}): Promise<GuestHandle> {
    const { xenstore } = this.dom0
    const { domid, channel, destroy } = this.#createDomain()
    const home = domainPath(domid)
    await xenstore.mkdir(home)
    await xenstore.setPermissions(home, [{ domid, kind: 'none' }])
    await xenstore.write(`${home}/name`, name)
    await xenstore.introduce(domid, FRAME, PORT)
    const platform = new StorePlatform(domid, new XenStoreClient(channel, hostPacing()))
    return {
      domid,
      platform,
      get console(): never {
        throw new XenError('ENOSYS', 'there are no consoles without a machine')
      },
      destroy,
    }
  }

  async stranger(): Promise<Domid> {
    return this.#createDomain().domid
  }

  /** What clients have open here is the daemon's to know, and it does not say. */
  async ledger(): Promise<readonly string[]> {
    return []
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const destroy of this.#domains.values()) await destroy()
    await this.dom0[Symbol.asyncDispose]()
    await this.#daemon[Symbol.asyncDispose]()
  }

  async #connect(): Promise<ByteChannel> {
    // The originals keep one connection waiting at most: with an answer they have accepted all that waited.
    await this.dom0.xenstore.read('/')
    return SocketChannel.connect(this.#daemon.socketPath)
  }

  #createDomain(): BareDomain {
    const domid = ++this.#lastDomid as Domid
    const page = this.#daemon.createGuest(domid)
    const channel = new GuestChannel(page)
    const destroy = async (): Promise<void> => {
      if (!this.#domains.delete(domid)) return
      channel.close()
      page.close()
      this.#daemon.destroyGuest(domid)
      // As a toolstack does, which need not wait until the daemon has noticed.
      await this.dom0.xenstore.release(domid).catch(() => {})
      if ((await this.dom0.xenstore.tryRead(domainPath(domid))) !== undefined)
        await this.dom0.xenstore.rm(domainPath(domid))
    }
    this.#domains.set(domid, destroy)
    return { domid, frame: FRAME, port: PORT, channel, destroy }
  }
}
