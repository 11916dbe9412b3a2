import { connect, type Socket } from 'node:net'
import type { ByteChannel } from '../byte-channel.js'
import { ByteQueue } from '../channel/byte-queue.js'

/** Bytes that have arrived and nobody has taken; beyond half of it the socket is not read. */
const INBOX_BYTES = 256 * 1024

/** XenStore's messages over the Unix socket of its daemon; either end of it. */
export class SocketChannel implements ByteChannel {
  readonly #socket: Socket
  readonly #inbox = new ByteQueue(INBOX_BYTES)
  #handler: (() => void) | undefined
  #closed = false
  /** Bytes that were sent wait for the end of this turn. */
  #held = false

  /** @param socket connected or accepted, and read by nobody else */
  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (bytes: Buffer) => this.#accept(bytes))
    socket.on('drain', () => this.#handler?.())
    socket.on('error', () => this.close())
    socket.on('close', () => this.close())
  }

  /** Of a client. @throws what the kernel says: ENOENT, ECONNREFUSED, EACCES as the `code` of an Error */
  static connect(path: string): Promise<SocketChannel> {
    return new Promise((resolve, reject) => {
      const socket = connect(path)
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(new SocketChannel(socket))
      })
    })
  }

  get closed(): boolean {
    return this.#closed
  }

  send(source: Uint8Array): number {
    if (this.#closed || this.#socket.writableNeedDrain) return 0
    this.#hold()
    this.#socket.write(source.slice())
    return source.length
  }

  receive(target: Uint8Array): number {
    const count = this.#inbox.pull(target)
    if (!this.#closed && this.#socket.isPaused() && this.#inbox.room > INBOX_BYTES / 2) this.#socket.resume()
    return count
  }

  onReady(handler: () => void): void {
    this.#handler = handler
    queueMicrotask(() => this.#handler?.())
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#release()
    this.#socket.destroy()
    this.#handler?.()
  }

  /** What is sent in one go of the event loop becomes one call of the kernel: pipelined requests are many small ones. */
  #hold(): void {
    if (this.#held) return
    this.#held = true
    this.#socket.cork()
    process.nextTick(() => this.#release())
  }

  #release(): void {
    if (!this.#held) return
    this.#held = false
    this.#socket.uncork()
  }

  /** The socket gives up to 64 KiB at once, which there is always room for while it is not paused. */
  #accept(bytes: Buffer): void {
    if (bytes.length > this.#inbox.room) {
      this.close()
      return
    }
    this.#inbox.push(bytes)
    if (this.#inbox.room <= INBOX_BYTES / 2) this.#socket.pause()
    this.#handler?.()
  }
}
