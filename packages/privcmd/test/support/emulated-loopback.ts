import { LoopbackWorld, type World } from '@split-driver/conformance'
import type { EmulatedHost } from '@split-driver/emulator'
import { PrivcmdPlatform } from '@split-driver/privcmd'
import type { EmulatedNodes } from './emulated-nodes.js'
import { bootHost, nodesOf, storeOf } from './emulated-nodes-world.js'

/** The world that the lab has on real Xen: a control domain's nodes, opened once more for each guest. */
export class EmulatedLoopback implements World {
  readonly #world: LoopbackWorld
  readonly #host: EmulatedHost
  readonly #nodes: EmulatedNodes

  static async create(): Promise<EmulatedLoopback> {
    const { host, server } = await bootHost()
    const nodes = nodesOf(server, host.dom0)
    const world = await LoopbackWorld.create({
      open: () => PrivcmdPlatform.open({ systemCalls: nodes, xenstore: 'device' }),
      store: storeOf(host),
      stranger: async () => (await host.toolstack.create({ name: host.toolstack.freeName('stranger') })).domid,
    })
    return new EmulatedLoopback(world, host, nodes)
  }

  private constructor(world: LoopbackWorld, host: EmulatedHost, nodes: EmulatedNodes) {
    this.#world = world
    this.#host = host
    this.#nodes = nodes
  }

  get dom0() {
    return this.#world.dom0
  }

  get supports() {
    return this.#world.supports
  }

  get toolstack() {
    return this.#world.toolstack
  }

  get store() {
    return storeOf(this.#host)
  }

  createGuest(options?: Parameters<World['createGuest']>[0]) {
    return this.#world.createGuest(options)
  }

  stranger() {
    return this.#world.stranger()
  }

  ledger() {
    return this.#world.ledger()
  }

  /** @throws if anything is left to the kernel */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#world[Symbol.asyncDispose]()
    const left = this.#nodes.ledger()
    await this.#host[Symbol.asyncDispose]()
    if (left.length > 0) throw new Error(`still open when every platform had been disposed of: ${left.join('; ')}`)
  }
}
