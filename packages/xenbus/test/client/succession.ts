import { channelPair, type Message, XenStoreClient, type XenStoreClientOptions } from '@split-driver/xenbus'
import { settle } from '../settle.js'
import { GatedChannel } from './gated-channel.js'
import { ManualClock } from './manual-clock.js'
import { ScriptedServer } from './scripted-server.js'

/** A client that reconnects, and one server after the other that it comes to. */
export class Succession {
  readonly clock = new ManualClock()
  readonly servers: ScriptedServer[] = []
  /** What the next tries to connect meet, in order; after these they succeed. */
  readonly refusals: unknown[] = []
  /** What every server does with a request. */
  answer: ((request: Message, server: ScriptedServer) => void) | undefined
  attempts = 0
  /** Our end of the present connection. */
  gate!: GatedChannel
  client!: XenStoreClient

  static async open(options: Partial<XenStoreClientOptions> = {}, capacityBytes?: number): Promise<Succession> {
    const made = new Succession()
    const connect = async () => made.#connect(capacityBytes)
    made.client = await XenStoreClient.open(connect, { clock: made.clock, ...options })
    return made
  }

  get server(): ScriptedServer {
    return this.servers.at(-1)!
  }

  /** The present connection ends; the client has seen it when this is done. */
  async cut(): Promise<void> {
    this.server.channel.close()
    await settle()
  }

  /** Time enough for one try to connect, and what follows from it. */
  async retry(): Promise<void> {
    this.clock.pass(10_000)
    await settle()
  }

  #connect(capacityBytes: number | undefined) {
    this.attempts++
    const refusal = this.refusals.shift()
    if (refusal) throw refusal
    const [near, far] = channelPair(capacityBytes)
    const server = new ScriptedServer(far)
    server.answer = (request) => this.answer?.(request, server)
    this.servers.push(server)
    this.gate = new GatedChannel(near)
    return this.gate
  }
}
