import type { ByteChannel } from '../byte-channel.js'
import { concatBytes } from './body.js'
import { type Message, PAYLOAD_MAX_BYTES, SOCKMSG_BYTES, xsdSockmsg } from './message.js'

const { at } = xsdSockmsg

const NOTHING = new Uint8Array()

/**
 * Cuts a stream of bytes into messages, however they arrive: header and body may come apart, one byte at a time or many
 * messages at once. Takes no more from the channel than one message, and holds at most one, 4112 bytes (S1, S4).
 */
export class MessageReader {
  readonly #channel: ByteChannel
  readonly #header = new Int32Array(xsdSockmsg.words)
  readonly #headerBytes = new Uint8Array(this.#header.buffer, 0, SOCKMSG_BYTES)
  /** Room for any body, once there was one. */
  #room: Uint8Array | undefined
  /** Of the message that is being read, once its header is complete. */
  #body: Uint8Array | undefined
  /** Bytes of the part that is being read: the header, or the body once there is one. */
  #filled = 0
  #broken = false
  /** Bytes that come before what the channel has; none but where a reader goes on for another. */
  #ahead: Uint8Array = NOTHING

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

  /** What has been received and is no message yet: what another reader is to begin with that goes on with the channel. */
  unfinished(): Uint8Array {
    const header = this.#headerBytes.subarray(0, this.#body === undefined ? this.#filled : SOCKMSG_BYTES)
    const body = this.#body === undefined ? NOTHING : this.#body.subarray(0, this.#filled)
    return concatBytes(header, body, this.#ahead)
  }

  /** These bytes come after what was received, and before what the channel has. */
  continueWith(bytes: Uint8Array): void {
    this.#ahead = concatBytes(this.#ahead, bytes)
  }

  /** @returns the next message that is complete, or `undefined` until more arrives; for ever if the stream is broken */
  next(): Message | undefined {
    const message = this.nextInPlace()
    return message && { ...message, body: message.body.slice() }
  }

  /** As `next`, but the next call may change what its body is a view of. */
  nextInPlace(): Message | undefined {
    if (this.#broken) return undefined
    this.#body ??= this.#readHeader()
    const body = this.#body
    if (body === undefined || !this.#fill(body)) return undefined
    this.#body = undefined
    this.#filled = 0
    const header = this.#header
    return { type: at.type.get(header, 0), reqId: at.reqId.get(header, 0), txId: at.txId.get(header, 0), body }
  }

  /** @returns room for the body once the header is complete and sound */
  #readHeader(): Uint8Array | undefined {
    if (!this.#fill(this.#headerBytes)) return undefined
    const length = at.len.get(this.#header, 0)
    if (length > PAYLOAD_MAX_BYTES) {
      this.#broken = true
      return undefined
    }
    this.#filled = 0
    this.#room ??= new Uint8Array(PAYLOAD_MAX_BYTES)
    return this.#room.subarray(0, length)
  }

  /** @returns whether `target` is full; asks the channel again as long as it gives, since a ring gives up to its wrap */
  #fill(target: Uint8Array): boolean {
    while (this.#filled < target.length) {
      const rest = this.#filled === 0 ? target : target.subarray(this.#filled)
      const count = this.#ahead.length > 0 ? this.#takeAhead(rest) : this.#channel.receive(rest)
      if (count === 0) return false
      this.#filled += count
    }
    return true
  }

  #takeAhead(target: Uint8Array): number {
    const taken = this.#ahead.subarray(0, target.length)
    target.set(taken)
    this.#ahead = this.#ahead.subarray(taken.length)
    return taken.length
  }
}
