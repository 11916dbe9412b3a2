import { SOCKMSG_BYTES, XenStoreOp, xsdSockmsg } from '@split-driver/xenbus'

/** Follows what XenStore sends, in pieces of any size: where a message ends, and which are replies and no watch events. */
export class ReplyStream {
  readonly #header = new Int32Array(xsdSockmsg.words)
  readonly #headerBytes = new Uint8Array(this.#header.buffer)
  #headerFilled = 0
  #bodyLeft = 0

  /** Part of a message has passed, and the rest has not. */
  get midMessage(): boolean {
    return this.#headerFilled > 0 || this.#bodyLeft > 0
  }

  /** @returns how many replies' headers were completed by `bytes` */
  pass(bytes: Uint8Array): number {
    let replies = 0
    for (let at = 0; at < bytes.length; ) {
      const body = Math.min(this.#bodyLeft, bytes.length - at)
      this.#bodyLeft -= body
      at += body
      const piece = this.#bodyLeft > 0 ? 0 : this.#passHeader(bytes.subarray(at))
      at += piece
      if (piece > 0 && this.#headerFilled === 0 && this.#isReply()) replies++
    }
    return replies
  }

  #passHeader(bytes: Uint8Array): number {
    const piece = bytes.subarray(0, SOCKMSG_BYTES - this.#headerFilled)
    this.#headerBytes.set(piece, this.#headerFilled)
    this.#headerFilled += piece.length
    if (this.#headerFilled < SOCKMSG_BYTES) return piece.length
    this.#headerFilled = 0
    this.#bodyLeft = xsdSockmsg.at.len.get(this.#header, 0)
    return piece.length
  }

  #isReply(): boolean {
    return xsdSockmsg.at.type.get(this.#header, 0) !== XenStoreOp.WatchEvent
  }
}
