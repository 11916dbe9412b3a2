import { connect, type Socket } from 'node:net'
import { type Message, SOCKMSG_BYTES, toBytes, XenStoreOp } from '@split-driver/xenbus'
import type { GuestPage } from '../guest-page.js'
import { GuestRing } from '../guest-ring.js'

/** No request of an episode has such a number. */
const FENCE_REQ_ID = 0x4000_0000

/** A daemon answers within microseconds. */
const PATIENCE_MS = 5_000

/** What came since the last exchange. */
export interface Received {
  readonly messages: readonly Message[]
  /** The daemon ended the connection. */
  readonly closed: boolean
}

/** Header and body, whatever they hold. */
export function encode(type: number, reqId: number, txId: number, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(SOCKMSG_BYTES + body.length)
  const view = new DataView(bytes.buffer)
  for (const [at, field] of [type, reqId, txId, body.length].entries()) view.setUint32(at * 4, field, true)
  bytes.set(body, SOCKMSG_BYTES)
  return bytes
}

/**
 * One client of one daemon, that sends bytes as they are. A fence, a request that every daemon answers at once and that
 * changes nothing, says when all that a daemon had to say has arrived: nothing is waited for by the clock.
 */
export class WireConnection {
  #send: (bytes: Uint8Array) => void = () => {}
  #rest = new Uint8Array()
  #messages: Message[] = []
  #closed = false
  #fence = FENCE_REQ_ID
  #onFence: (() => void) | undefined

  static async overSocket(path: string): Promise<WireConnection> {
    const made = new WireConnection(() => socket.destroy())
    const socket: Socket = connect(path)
    made.#send = (bytes) => void socket.write(bytes)
    socket.on('data', (bytes) => made.#receive(bytes))
    socket.on('close', () => made.#end())
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.removeListener('error', reject)
        // What follows an error is the close, which says enough.
        socket.on('error', () => {})
        resolve()
      })
    })
    // The originals keep one connection waiting at most; the next is refused until this one was accepted.
    await made.exchange()
    return made
  }

  static overRing(page: GuestPage): WireConnection {
    const made = new WireConnection(() => page.close())
    const ring = new GuestRing(page, (bytes) => made.#receive(bytes))
    made.#send = (bytes) => ring.send(bytes)
    return made
  }

  private constructor(readonly close: () => void) {}

  /** Sends `bytes`, if any, and resolves to all that came until the daemon has answered the fence behind them. */
  async exchange(bytes?: Uint8Array): Promise<Received> {
    if (!this.#closed) await this.#untilFence(bytes)
    const messages = this.#messages
    this.#messages = []
    return { messages, closed: this.#closed }
  }

  async #untilFence(bytes: Uint8Array = new Uint8Array()): Promise<void> {
    this.#fence += 1
    const fence = encode(XenStoreOp.GetDomainPath, this.#fence, 0, toBytes('7\0'))
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('a daemon does not answer any more')), PATIENCE_MS)
      this.#onFence = () => {
        clearTimeout(timer)
        resolve()
      }
      const both = new Uint8Array(bytes.length + fence.length)
      both.set(bytes)
      both.set(fence, bytes.length)
      this.#send(both)
    })
    this.#onFence = undefined
  }

  #end(): void {
    this.#closed = true
    this.#onFence?.()
  }

  #receive(bytes: Uint8Array): void {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes])
    let at = 0
    for (let next = messageAt(all, at); next !== undefined; next = messageAt(all, at)) {
      at += SOCKMSG_BYTES + next.body.length
      if (next.reqId === this.#fence && next.type !== XenStoreOp.WatchEvent) this.#onFence?.()
      else this.#messages.push(next)
    }
    this.#rest = all.slice(at)
  }
}

/** The message that begins there, if it is complete. A body may be longer than it should be: that is a finding. */
function messageAt(bytes: Uint8Array, at: number): Message | undefined {
  if (bytes.length - at < SOCKMSG_BYTES) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset + at)
  const [type = 0, reqId = 0, txId = 0, length = 0] = [0, 4, 8, 12].map((field) => view.getUint32(field, true))
  const from = at + SOCKMSG_BYTES
  if (bytes.length - from < length) return undefined
  return { type, reqId, txId, body: bytes.slice(from, from + length) }
}
