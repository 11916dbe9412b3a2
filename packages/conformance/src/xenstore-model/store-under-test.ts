import type { Domid, Port } from '@split-driver/abi'
import { type ByteChannel, channelPair, RingChannel } from '@split-driver/xenbus'
import type { StoreMachine } from './store-machine.js'

/** A server that is to do as the model does. Everything that it does must happen within microtasks. */
export interface StoreUnderTest {
  /** A connection of a domain; domain 0 is the control domain. */
  connect(domid: number): ByteChannel
  /** The domain's own end of the ring page through which it is served once it is introduced. */
  ring(domid: number): ByteChannel
  /** A new domain has come to this number, with a ring page that nobody has used. */
  build(domid: number): void
}

/** What a XenStore server can do that is compared with the model; `XenstoreServer` of `@split-driver/xenstored` can. */
export interface ServerUnderTest {
  accept(channel: ByteChannel, as: { readonly domid: Domid; readonly privileged: boolean }): void
}

/** Every domain has a port of this number. */
export const XENSTORE_PORT = 1 as Port

/** A server in this thread, and the machine that it runs on. */
export class ServedStore implements StoreUnderTest {
  readonly #machine: StoreMachine
  readonly #server: ServerUnderTest

  constructor(machine: StoreMachine, server: ServerUnderTest) {
    this.#machine = machine
    this.#server = server
  }

  connect(domid: number): ByteChannel {
    const [ours, theirs] = channelPair()
    this.#server.accept(theirs, { domid: domid as Domid, privileged: domid === 0 })
    return ours
  }

  ring(domid: number): ByteChannel {
    const owner = domid as Domid
    const channel = RingChannel.front(this.#machine.pages.get(owner)!, () => this.#machine.raise(owner))
    this.#machine.onNotify.set(owner, () => channel.wake())
    return channel
  }

  build(domid: number): void {
    this.#machine.addDomain(domid as Domid)
  }
}
