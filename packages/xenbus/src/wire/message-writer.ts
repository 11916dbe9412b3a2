import type { ByteChannel } from '../byte-channel.js'
import { encodeMessage, type Message } from './message.js'

/**
 * Messages on their way out: takes whole ones, sends as much as the channel has room for and keeps the rest in order.
 * It bounds nothing by itself; whoever fills it looks at `pendingBytes` (S4).
 */
export class MessageWriter {
  readonly #channel: ByteChannel
  readonly #queue: Uint8Array[] = []
  /** Bytes of the first in the queue that have gone out. */
  #sent = 0
  #pendingBytes = 0

  constructor(channel: ByteChannel) {
    this.#channel = channel
  }

  /** Bytes that wait for room. */
  get pendingBytes(): number {
    return this.#pendingBytes
  }

  /** Queues one message; nothing goes out before `flush`. @throws RangeError if its body is beyond 4096 bytes */
  push(message: Message): void {
    const bytes = encodeMessage(message)
    this.#queue.push(bytes)
    this.#pendingBytes += bytes.length
  }

  /** Sends what there is room for; to be called again when the channel is ready. @returns whether all has gone out */
  flush(): boolean {
    let first = this.#queue[0]
    while (first !== undefined) {
      const count = this.#channel.send(first.subarray(this.#sent))
      if (count === 0) return false
      this.#pendingBytes -= count
      this.#sent += count
      if (this.#sent < first.length) continue
      this.#sent = 0
      this.#queue.shift()
      first = this.#queue[0]
    }
    return true
  }

  /** Forgets what has not gone out, of a channel that is gone. */
  clear(): void {
    this.#queue.length = 0
    this.#sent = 0
    this.#pendingBytes = 0
  }
}
