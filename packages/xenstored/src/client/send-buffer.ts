import { type ByteChannel, PAYLOAD_MAX_BYTES, SOCKMSG_BYTES, xsdSockmsg } from '@split-driver/xenbus'
import { bytesOf, type Outgoing } from './outgoing.js'

const BUFFER_BYTES = 4 * (SOCKMSG_BYTES + PAYLOAD_MAX_BYTES)

/**
 * Where messages are put together that are to be sent at once. One does for a whole server: whatever a channel has no room
 * for is taken out again before another client's messages come in.
 */
export class SendBuffer {
  readonly #bytes = new Uint8Array(BUFFER_BYTES)
  readonly #header = new Int32Array(xsdSockmsg.words)
  readonly #headerBytes = new Uint8Array(this.#header.buffer)
  #length = 0

  get length(): number {
    return this.#length
  }

  clear(): void {
    this.#length = 0
  }

  /** @returns false if there is no room for it behind what is there */
  put(message: Outgoing): boolean {
    const bytes = bytesOf(message)
    if (this.#length + bytes > BUFFER_BYTES) return false
    const { type, reqId, txId, path, body } = message
    const { at } = xsdSockmsg
    at.type.set(this.#header, 0, type)
    at.reqId.set(this.#header, 0, reqId)
    at.txId.set(this.#header, 0, txId)
    at.len.set(this.#header, 0, bytes - SOCKMSG_BYTES)
    this.#bytes.set(this.#headerBytes, this.#length)
    const end = this.#length + bytes
    if (path === undefined) this.#bytes.set(body, end - body.length)
    else this.#putStrings(path, body)
    this.#length = end
    return true
  }

  /** @returns how many of the bytes the channel took */
  sendTo(channel: ByteChannel): number {
    return channel.send(this.#bytes.subarray(0, this.#length))
  }

  copy(from: number, to: number): Uint8Array {
    return this.#bytes.slice(from, to)
  }

  #putStrings(path: string, token: Uint8Array): void {
    let at = this.#length + SOCKMSG_BYTES
    for (let i = 0; i < path.length; i++) this.#bytes[at++] = path.charCodeAt(i)
    this.#bytes[at++] = 0
    this.#bytes.set(token, at)
    this.#bytes[at + token.length] = 0
  }
}
