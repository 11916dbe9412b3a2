import type { ByteChannel } from '../byte-channel.js'
import { type Message, PAYLOAD_MAX_BYTES, SOCKMSG_BYTES, xsdSockmsg } from './message.js'

/**
 * Cuts a stream of bytes into messages, however they arrive: header and body may come apart, one byte at a time or many
 * messages at once. Holds at most one unfinished message, 4112 bytes (S1, S4).
 */
export class MessageReader {
  readonly #channel: ByteChannel
  readonly #header = new Int32Array(xsdSockmsg.words)
  readonly #headerBytes = new Uint8Array(this.#header.buffer)
  #body: Uint8Array | undefined
  /** Bytes of the part that is being read: the header, or the body once there is one. */
  #filled = 0
  #broken = false

  constructor(channel: ByteChannel) {
    this.#channel = channel
  }

  /** A header announced more than 4096 bytes: where the next message begins cannot be known (rule 38). */
  get broken(): boolean {
    return this.#broken
  }

  /** Part of a message has arrived and the rest has not. */
  get midMessage(): boolean {
    return this.#filled > 0 || this.#body !== undefined
  }

  /** @returns the next message that is complete, or `undefined` until more arrives; for ever if the stream is broken */
  next(): Message | undefined {
    if (this.#broken) return undefined
    this.#body ??= this.#readHeader()
    if (this.#body === undefined || !this.#fill(this.#body)) return undefined
    const { type, reqId, txId } = xsdSockmsg.read(this.#header)
    const message = { type, reqId, txId, body: this.#body }
    this.#body = undefined
    this.#filled = 0
    return message
  }

  /** @returns room for the body once the header is complete and sound */
  #readHeader(): Uint8Array | undefined {
    if (!this.#fill(this.#headerBytes.subarray(0, SOCKMSG_BYTES))) return undefined
    const length = xsdSockmsg.at.len.get(this.#header, 0)
    if (length > PAYLOAD_MAX_BYTES) {
      this.#broken = true
      return undefined
    }
    this.#filled = 0
    return new Uint8Array(length)
  }

  /** @returns whether `target` is full; asks the channel again as long as it gives, since a ring gives up to its wrap */
  #fill(target: Uint8Array): boolean {
    while (this.#filled < target.length) {
      const count = this.#channel.receive(target.subarray(this.#filled))
      if (count === 0) return false
      this.#filled += count
    }
    return true
  }
}
