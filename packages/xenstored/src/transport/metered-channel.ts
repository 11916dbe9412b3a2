import type { ByteChannel } from '@split-driver/xenbus'

/**
 * A channel from which only so much is taken until it is allowed again: a domain that fills its ring as fast as we empty
 * it must not keep us there (E1, S6).
 */
export class MeteredChannel implements ByteChannel {
  readonly #channel: ByteChannel
  #allowance = 0

  constructor(channel: ByteChannel) {
    this.#channel = channel
  }

  get closed(): boolean {
    return this.#channel.closed
  }

  /** From now on `bytes` may be received. */
  allow(bytes: number): void {
    this.#allowance = bytes
  }

  send(source: Uint8Array): number {
    return this.#channel.send(source)
  }

  receive(target: Uint8Array): number {
    if (this.#allowance === 0) return 0
    const count = this.#channel.receive(target.subarray(0, this.#allowance))
    this.#allowance -= count
    return count
  }

  onReady(handler: () => void): void {
    this.#channel.onReady(handler)
  }

  close(): void {
    this.#channel.close()
  }
}
