import type { ByteChannel } from '../byte-channel.js'
import { ByteQueue } from './byte-queue.js'

/** A port of a MessageChannel, as browsers and Node have it. */
export interface BytePort {
  postMessage(message: unknown): void
  addEventListener(type: 'message' | 'close', listener: (event: { data?: unknown }) => void): void
  start?(): void
  close(): void
}

/** Bytes that may be under way or unread in each direction; both ends count with the same number. */
const WINDOW = 64 * 1024

/** What goes over the port: bytes, or how many bytes were taken, or the end. */
type PortMessage = Uint8Array | number | null

/**
 * A byte channel between threads. A sender has credit for what the other end has room for, and the other end gives it back
 * as it reads: a peer that does not read cannot make memory grow, and one that sends without credit is cut off (S4).
 */
export class MessagePortChannel implements ByteChannel {
  readonly #port: BytePort
  readonly #inbox = new ByteQueue(WINDOW)
  /** Bytes the other end has room for. */
  #credit = WINDOW
  /** Bytes we have taken and not yet given back. */
  #taken = 0
  #closed = false
  #handler: (() => void) | undefined

  constructor(port: BytePort) {
    this.#port = port
    port.addEventListener('message', ({ data }) => this.#accept(data as PortMessage))
    port.addEventListener('close', () => this.#end())
    port.start?.()
  }

  get closed(): boolean {
    return this.#closed
  }

  send(source: Uint8Array): number {
    const count = this.#closed ? 0 : Math.min(source.length, this.#credit)
    if (count === 0) return 0
    this.#credit -= count
    this.#post(source.slice(0, count))
    return count
  }

  receive(target: Uint8Array): number {
    const count = this.#inbox.pull(target)
    this.#taken += count
    // In few large pieces: a number for every 16-byte header would double the traffic.
    if (this.#taken >= WINDOW / 2 && !this.#closed) {
      this.#post(this.#taken)
      this.#taken = 0
    }
    return count
  }

  onReady(handler: () => void): void {
    this.#handler = handler
    queueMicrotask(() => this.#handler?.())
  }

  close(): void {
    if (this.#closed) return
    this.#post(null)
    this.#end()
  }

  #post(message: PortMessage): void {
    this.#port.postMessage(message)
  }

  #accept(message: PortMessage): void {
    if (this.#closed) return
    if (message === null) this.#end()
    else if (!this.#isSound(message)) this.close()
    else this.#take(message)
  }

  #take(message: Uint8Array | number): void {
    if (typeof message === 'number') this.#credit += message
    else this.#inbox.push(message)
    this.#handler?.()
  }

  #isSound(message: unknown): message is Uint8Array | number {
    if (typeof message === 'number') return Number.isInteger(message) && message > 0 && message <= WINDOW - this.#credit
    return message instanceof Uint8Array && message.length > 0 && message.length <= this.#inbox.room
  }

  #end(): void {
    if (this.#closed) return
    this.#closed = true
    this.#port.close()
    this.#handler?.()
  }
}
