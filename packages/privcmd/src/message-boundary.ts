import { SOCKMSG_BYTES, xsdSockmsg } from '@split-driver/xenbus'

/** Follows a stream of XenStore messages, to know where one ends. */
export class MessageBoundary {
  readonly #header = new Int32Array(xsdSockmsg.words)
  readonly #headerBytes = new Uint8Array(this.#header.buffer)
  #headerFilled = 0
  #bodyLeft = 0

  /** Part of a message has passed, and the rest has not. */
  get inside(): boolean {
    return this.#headerFilled > 0 || this.#bodyLeft > 0
  }

  pass(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; )
      at += this.#bodyLeft > 0 ? this.#passBody(bytes, at) : this.#passHeader(bytes, at)
  }

  #passBody(bytes: Uint8Array, at: number): number {
    const count = Math.min(this.#bodyLeft, bytes.length - at)
    this.#bodyLeft -= count
    return count
  }

  #passHeader(bytes: Uint8Array, at: number): number {
    const piece = bytes.subarray(at, at + SOCKMSG_BYTES - this.#headerFilled)
    this.#headerBytes.set(piece, this.#headerFilled)
    this.#headerFilled += piece.length
    if (this.#headerFilled === SOCKMSG_BYTES) {
      this.#headerFilled = 0
      this.#bodyLeft = xsdSockmsg.at.len.get(this.#header, 0)
    }
    return piece.length
  }
}
