import type { ByteChannel } from '@split-driver/xenbus'
import type { Journal } from './journal.js'

/** A channel that sends nothing while there is something that happened and is not written down. */
export class DurableChannel implements ByteChannel {
  readonly channel: ByteChannel
  readonly #journal: Journal
  #onReady = (): void => {}

  constructor(channel: ByteChannel, journal: Journal) {
    this.channel = channel
    this.#journal = journal
  }

  get closed(): boolean {
    return this.channel.closed
  }

  send(source: Uint8Array): number {
    if (!this.#journal.pending) return this.channel.send(source)
    this.#journal.whenWritten(this.#written)
    return 0
  }

  receive(target: Uint8Array): number {
    return this.channel.receive(target)
  }

  onReady(handler: () => void): void {
    this.#onReady = handler
    this.channel.onReady(handler)
  }

  close(): void {
    this.channel.close()
  }

  readonly #written = (): void => this.#onReady()
}
