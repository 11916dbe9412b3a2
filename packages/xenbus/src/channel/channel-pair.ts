import type { ByteChannel } from '../byte-channel.js'
import { ByteQueue } from './byte-queue.js'

/** Bytes that wait in each direction unless said otherwise: as many as in XenStore's ring page. */
const CAPACITY = 1024

class PairedChannel implements ByteChannel {
  readonly #inbox: ByteQueue
  #peer: PairedChannel | undefined
  #handler: (() => void) | undefined
  #ready = false
  #closed = false

  constructor(capacity: number) {
    this.#inbox = new ByteQueue(capacity)
  }

  static pair(capacity: number): [ByteChannel, ByteChannel] {
    const one = new PairedChannel(capacity)
    const other = new PairedChannel(capacity)
    one.#peer = other
    other.#peer = one
    return [one, other]
  }

  get closed(): boolean {
    return this.#closed
  }

  send(source: Uint8Array): number {
    if (this.#closed) return 0
    const count = this.#peer!.#inbox.push(source)
    if (count > 0) this.#peer!.#announce()
    return count
  }

  receive(target: Uint8Array): number {
    const count = this.#inbox.pull(target)
    if (count > 0) this.#peer!.#announce()
    return count
  }

  onReady(handler: () => void): void {
    this.#handler = handler
    this.#announce()
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#announce()
    this.#peer!.close()
  }

  /** Calls back once this turn is over, however often it was asked to. */
  #announce(): void {
    if (this.#ready || this.#handler === undefined) return
    this.#ready = true
    queueMicrotask(() => {
      this.#ready = false
      this.#handler?.()
    })
  }
}

/**
 * Two channels that are each other's far end, within one thread; readiness is told in a microtask.
 * @param capacityBytes that may wait in each direction
 */
export const channelPair = (capacityBytes = CAPACITY): [ByteChannel, ByteChannel] => PairedChannel.pair(capacityBytes)
