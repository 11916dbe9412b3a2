import type { ByteChannel } from '@split-driver/xenbus'

/** A channel that gives its bytes in pieces of these sizes and takes in pieces of others; 0 is "nothing right now". */
export class ChunkedChannel implements ByteChannel {
  readonly sent: number[] = []
  readonly #bytes: Uint8Array
  readonly #gives: readonly number[]
  readonly #takes: readonly number[]
  #at = 0
  #turn = 0
  readonly closed = false

  constructor(bytes: Uint8Array, gives: readonly number[], takes: readonly number[] = [Number.MAX_SAFE_INTEGER]) {
    this.#bytes = bytes
    this.#gives = gives
    this.#takes = takes
  }

  get exhausted(): boolean {
    return this.#at === this.#bytes.length
  }

  send(source: Uint8Array): number {
    const count = Math.min(source.length, this.#takes[this.#turn++ % this.#takes.length]!)
    this.sent.push(...source.subarray(0, count))
    return count
  }

  receive(target: Uint8Array): number {
    const piece = this.#bytes.subarray(this.#at, this.#at + this.#gives[this.#turn++ % this.#gives.length]!)
    const count = Math.min(piece.length, target.length)
    target.set(piece.subarray(0, count))
    this.#at += count
    return count
  }

  onReady(): void {}
  close(): void {}
}
