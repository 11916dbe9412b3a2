import type { Clock } from '@split-driver/platform'
import { type ByteChannel, type Message, packStrings, XenStoreOp } from '@split-driver/xenbus'
import { eventually, within } from './wait.js'
import { XenStoreWireClient } from './xenstore-wire-client.js'

/** A client of the wire for servers that live anywhere: what is waited for is waited for by the world's clock. */
export class WireProbe extends XenStoreWireClient {
  readonly #clock: Clock
  readonly #awaited = new Map<number, (reply: Message) => void>()

  constructor(channel: ByteChannel, clock: Clock) {
    super(channel)
    this.#clock = clock
  }

  override async request(type: number, body: Uint8Array, txId = 0): Promise<Message> {
    const reqId = this.post(type, body, txId)
    const reply = new Promise<Message>((resolve) => this.#awaited.set(reqId, resolve))
    return within(this.#clock, reply, `a reply to operation ${type}`)
  }

  /** A request of these strings, and its reply as `ask` shows it. */
  tell(type: number, ...texts: readonly (string | number)[]): Promise<string> {
    return this.ask(type, packStrings(...texts.map(String)))
  }

  /** What was told until now: an answer to a question that every server answers at once comes behind it. */
  override async events(): Promise<string[]> {
    await this.tell(XenStoreOp.GetDomainPath, 7)
    return this.takeEvents()
  }

  /** The server has ended the connection. */
  async untilClosed(what: string): Promise<void> {
    await eventually(this.#clock, () => this.channel.closed, what)
  }

  protected override arrived(message: Message): void {
    super.arrived(message)
    this.#awaited.get(message.reqId)?.(message)
    this.#awaited.delete(message.reqId)
  }
}
