import type { Platform } from '@split-driver/platform'
import { type ByteChannel, channelPair, XenStoreClient } from '@split-driver/xenbus'
import { XenstoreServer } from '@split-driver/xenstored'
import { EmulatedMachine } from './emulated-machine.js'

/** A machine whose XenStore can go away from its backends, and come back with all that it held. */
export class StoreOutage implements AsyncDisposable {
  readonly machine: EmulatedMachine
  /** The control domain, as a platform over a host's device nodes is. */
  readonly dom0: Platform
  readonly #connections: Connections

  static async boot(): Promise<StoreOutage> {
    let server: XenstoreServer | undefined
    const machine = await EmulatedMachine.boot((dom0) => {
      server = new XenstoreServer(dom0)
      return server
    })
    const connections = new Connections(server!)
    const { clock } = machine.host.dom0
    const xenstore = await XenStoreClient.open(() => connections.open(), { clock, random: () => 0 })
    return new StoreOutage(machine, connections, xenstore)
  }

  private constructor(machine: EmulatedMachine, connections: Connections, xenstore: XenStoreClient) {
    this.machine = machine
    this.#connections = connections
    this.dom0 = Object.create(machine.host.dom0, { xenstore: { value: xenstore } }) as Platform
  }

  /** From now on nobody answers. */
  begin(): void {
    this.#connections.cut()
  }

  end(): void {
    this.#connections.refused = false
  }

  async [Symbol.asyncDispose](): Promise<void> {
    ;(this.dom0.xenstore as XenStoreClient).close()
    await this.machine[Symbol.asyncDispose]()
  }
}

/** One after the other, to one server. */
class Connections {
  refused = false
  readonly #server: XenstoreServer
  #theirs: ByteChannel | undefined

  constructor(server: XenstoreServer) {
    this.#server = server
  }

  async open(): Promise<ByteChannel> {
    if (this.refused) throw new Error('nobody answers')
    const [theirs, ours] = channelPair()
    this.#server.accept(theirs, { domid: 0 as never, privileged: true })
    this.#theirs = theirs
    return ours
  }

  cut(): void {
    this.refused = true
    this.#theirs?.close()
  }
}
