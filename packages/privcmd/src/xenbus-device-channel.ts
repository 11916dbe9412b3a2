import { XenError } from '@split-driver/abi'
import {
  type ByteChannel,
  ByteQueue,
  encodeError,
  encodeMessage,
  SOCKMSG_BYTES,
  XenStoreOp,
  xsdSockmsg,
} from '@split-driver/xenbus'
import type { DeviceNode } from './device-node.js'
import { nextTurn } from './host-clock.js'
import { ReplyStream } from './reply-stream.js'
import { SystemCallError } from './system-call-error.js'

/** Bytes of a message, header and body, that the node takes. @see Linux's xenbus_dev_frontend.c, its buffer */
const MESSAGE_MAX_BYTES = 4096

/** Replies of our own to requests that the kernel refused; a request is refused before the next one is made. */
const REFUSALS_MAX_BYTES = 64 * 1024

/**
 * XenStore's messages over /dev/xen/xenbus, one request at a time: the kernel sends a request from the buffer of the open
 * file, in a thread of its own, and a second one that is written before the first has its reply would overwrite it. It
 * takes one whole message a write, and refuses some by an error of `write` alone: those get their ERROR reply here, so that
 * whoever asked hears of it.
 */
export class XenbusDeviceChannel implements ByteChannel {
  readonly #node: DeviceNode
  readonly #watching: Disposable
  readonly #outgoing = new Uint8Array(MESSAGE_MAX_BYTES)
  /** Bytes of `#outgoing` that wait for the rest of their message. */
  #filled = 0
  /** Bytes of a message too large for the node that are still to come, and are dropped. */
  #dropping = 0
  /** A request has no reply yet. */
  #awaiting = false
  /** Somebody wanted to send meanwhile. */
  #heldUp = false
  readonly #refusals = new ByteQueue(REFUSALS_MAX_BYTES)
  readonly #replies = new ReplyStream()
  #handler: (() => void) | undefined
  #closed = false

  constructor(node: DeviceNode) {
    this.#node = node
    this.#watching = node.whenReadable(() => this.#handler?.())
  }

  get closed(): boolean {
    return this.#closed
  }

  send(source: Uint8Array): number {
    let at = 0
    while (at < source.length && !this.#closed && !this.#awaiting) at += this.#take(source.subarray(at))
    if (at < source.length) this.#heldUp = true
    return at
  }

  /** A refusal goes in between two messages of the kernel's, never into one. */
  receive(target: Uint8Array): number {
    if (this.#closed) return 0
    if (this.#refusals.length > 0 && !this.#replies.midMessage) return this.#refusals.pull(target)
    const count = this.#readNode(target)
    if (this.#replies.pass(target.subarray(0, count)) > 0) this.#answered()
    return count
  }

  onReady(handler: () => void): void {
    this.#handler = handler
    this.#wakeSoon()
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#watching[Symbol.dispose]()
    this.#node.close()
    this.#handler?.()
  }

  #answered(): void {
    this.#awaiting = false
    if (this.#heldUp) this.#wakeSoon()
    this.#heldUp = false
  }

  /** @returns how many bytes belong to the message under way; it goes out when it is whole */
  #take(source: Uint8Array): number {
    if (this.#dropping > 0) return this.#drop(source)
    const wanted = this.#filled < SOCKMSG_BYTES ? SOCKMSG_BYTES : this.#messageBytes()
    const piece = source.subarray(0, wanted - this.#filled)
    this.#outgoing.set(piece, this.#filled)
    this.#filled += piece.length
    if (this.#filled < SOCKMSG_BYTES) return piece.length
    if (this.#messageBytes() > MESSAGE_MAX_BYTES) this.#refuseLarge()
    else if (this.#filled === this.#messageBytes()) this.#write()
    return piece.length
  }

  #drop(source: Uint8Array): number {
    const count = Math.min(source.length, this.#dropping)
    this.#dropping -= count
    return count
  }

  #header(): Int32Array {
    return new Int32Array(this.#outgoing.buffer, 0, xsdSockmsg.words)
  }

  #messageBytes(): number {
    return SOCKMSG_BYTES + xsdSockmsg.at.len.get(this.#header(), 0)
  }

  #refuseLarge(): void {
    this.#dropping = this.#messageBytes() - SOCKMSG_BYTES
    this.#refuse('E2BIG')
    this.#filled = 0
  }

  #write(): void {
    try {
      this.#node.write(this.#outgoing.subarray(0, this.#filled))
      this.#awaiting = true
    } catch (error) {
      if (!SystemCallError.is(error)) throw error
      const refused = this.#node.refusal(error, 'a message was refused')
      this.#refuse(XenError.is(refused) ? refused.code : 'EIO')
    }
    this.#filled = 0
  }

  #refuse(code: string): void {
    const { reqId, txId } = xsdSockmsg.read(this.#header())
    const reply = encodeMessage({ type: XenStoreOp.Error, reqId, txId, body: encodeError(code) })
    if (reply.length > this.#refusals.room) this.close()
    else this.#refusals.push(reply)
    this.#wakeSoon()
  }

  #readNode(target: Uint8Array): number {
    try {
      return this.#node.read(target)
    } catch {
      this.close()
      return 0
    }
  }

  #wakeSoon(): void {
    nextTurn(() => this.#handler?.())
  }
}
