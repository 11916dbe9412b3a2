import type { Domid } from '@split-driver/abi'
import type { ByteChannel } from '@split-driver/xenbus'
import type { ServerUnderTest } from './store-under-test.js'

/** A server whose work another can go on with. */
export interface ReplaceableServer extends ServerUnderTest {
  save(options: { readonly fdOf: (channel: ByteChannel) => number }): Uint8Array
  /** Serves nobody any more, and closes no connection. */
  handOver(): void
}

/** What a server leaves to the next one. */
export interface Legacy {
  readonly saved: Uint8Array
  readonly channelOf: (fd: number) => ByteChannel | undefined
}

/** A server that another takes the place of, as often as one likes; nobody who is connected is to notice. */
export class ReplacedServer<S extends ReplaceableServer> implements ServerUnderTest {
  readonly #begin: (legacy?: Legacy) => S
  readonly #channels: ByteChannel[] = []
  #server: S

  /** @param begin makes the first server, and each that goes on */
  constructor(begin: (legacy?: Legacy) => S) {
    this.#begin = begin
    this.#server = begin()
  }

  /** The one that serves now. */
  get server(): S {
    return this.#server
  }

  accept(channel: ByteChannel, as: { readonly domid: Domid; readonly privileged: boolean }): void {
    this.#channels.push(channel)
    this.#server.accept(channel, as)
  }

  replace(): void {
    const saved = this.#server.save({ fdOf: (channel) => this.#channels.indexOf(channel) })
    this.#server.handOver()
    this.#server = this.#begin({ saved, channelOf: (fd) => this.#channels[fd] })
  }
}
