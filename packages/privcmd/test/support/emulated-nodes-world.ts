import type { Domid } from '@split-driver/abi'
import type { DeviceHandle, GuestHandle, GuestOptions, StoreAccess, Toolstack, World } from '@split-driver/conformance'
import { EmulatedHost, type EmulatedPlatform } from '@split-driver/emulator'
import { PrivcmdPlatform } from '@split-driver/privcmd'
import { channelPair, type DeviceOptions } from '@split-driver/xenbus'
import { XenstoreServer } from '@split-driver/xenstored'
import { EmulatedNodes, type EmulatedNodesOptions } from './emulated-nodes.js'

/** A domain of which one process is the suite's. */
interface Process {
  readonly nodes: EmulatedNodes
  readonly platform: PrivcmdPlatform
}

/** An emulated machine with the nodes of every domain's kernel: what runs on it is the binding that runs on real Xen. */
export class EmulatedNodesWorld implements World {
  readonly toolstack: Toolstack
  readonly #host: EmulatedHost
  readonly #server: XenstoreServer
  readonly #dom0: Process
  readonly #guests = new Map<Domid, Process>()

  static async create(): Promise<EmulatedNodesWorld> {
    const { host, server } = await bootHost()
    return new EmulatedNodesWorld(host, server, await openProcess(server, host.dom0))
  }

  private constructor(host: EmulatedHost, server: XenstoreServer, dom0: Process) {
    this.#host = host
    this.#server = server
    this.#dom0 = dom0
    this.toolstack = { attachDevice: (guest, options) => this.#attach(guest, options) }
  }

  get dom0() {
    return this.#dom0.platform
  }

  get supports() {
    return { ...this.dom0.supports, storeWire: true, bareDomains: true }
  }

  get store() {
    return storeOf(this.#host)
  }

  async createGuest({ name = 'guest' }: GuestOptions = {}): Promise<GuestHandle> {
    const kernel = await this.#host.createGuest({ name: this.#host.toolstack.freeName(name) })
    const process = await openProcess(this.#server, kernel)
    const { domid } = kernel
    this.#guests.set(domid, process)
    const console = { ...kernel.console, events: kernel.events }
    return { domid, platform: process.platform, console, destroy: () => this.#destroy(domid) }
  }

  async stranger(): Promise<Domid> {
    return (await this.#host.toolstack.create({ name: this.#host.toolstack.freeName('stranger') })).domid
  }

  async ledger(): Promise<readonly string[]> {
    const processes = [this.#dom0, ...this.#guests.values()]
    return processes.flatMap(({ nodes }) => nodes.ledger()).filter((entry) => !entry.startsWith('an open file'))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const domid of [...this.#guests.keys()]) await this.#close(domid)
    await closeProcess(this.#dom0)
    await this.#host[Symbol.asyncDispose]()
  }

  #attach(guest: GuestHandle, options: DeviceOptions): Promise<DeviceHandle> {
    return this.#host.toolstack.attachDevice(guest, options)
  }

  async #close(domid: Domid): Promise<void> {
    const process = this.#guests.get(domid)
    if (process === undefined) return
    this.#guests.delete(domid)
    await closeProcess(process)
  }

  async #destroy(domid: Domid): Promise<void> {
    const process = this.#guests.get(domid)
    if (process === undefined) return
    this.#guests.delete(domid)
    const destroyed = this.#host.toolstack.destroy(domid)
    process.nodes.vanish()
    await destroyed
    // The code of a destroyed domain does not run any more; here it gives back what its kernel no longer has.
    await process.platform[Symbol.asyncDispose]().catch(() => {})
  }
}

/** A machine with a XenStore, and no guest yet. */
export const bootHost = async (): Promise<{ host: EmulatedHost; server: XenstoreServer }> => {
  let server: XenstoreServer | undefined
  const host = await EmulatedHost.boot({
    mode: 'inline',
    memoryMiB: 64,
    maxDomains: 8,
    xenstored: (dom0) => {
      server = new XenstoreServer(dom0, { domainStates: dom0.domainStates })
      return server
    },
  })
  return { host, server: server! }
}

/** What is below every domain's kernel: the daemon, and domains that have none. */
export const storeOf = (host: EmulatedHost): StoreAccess => ({
  connect: async () => host.connectStore(),
  createDomain: () => host.createBareDomain({ name: host.toolstack.freeName('bare') }),
})

/** The kernel of a domain, to processes of it. */
export const nodesOf = (
  server: XenstoreServer,
  platform: EmulatedPlatform,
  options: Pick<EmulatedNodesOptions, 'evtchnRingSize'> = {},
): EmulatedNodes =>
  new EmulatedNodes({
    ...options,
    platform,
    connectStore: () => {
      const [theirs, ours] = channelPair(1 << 16)
      server.accept(theirs, { domid: platform.domid, privileged: platform.start.privileged })
      return ours
    },
  })

const openProcess = async (server: XenstoreServer, kernel: EmulatedPlatform): Promise<Process> => {
  const nodes = nodesOf(server, kernel)
  return { nodes, platform: await PrivcmdPlatform.open({ systemCalls: nodes, xenstore: 'device' }) }
}

/** @throws if the process leaves anything to its kernel when it closes */
const closeProcess = async ({ nodes, platform }: Process): Promise<void> => {
  await platform[Symbol.asyncDispose]()
  const left = nodes.ledger()
  if (left.length > 0) throw new Error(`still open when its platform had been disposed of: ${left.join('; ')}`)
}
