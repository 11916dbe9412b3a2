import type { XenError } from '@split-driver/abi'
import { Coverage } from './coverage.js'
import { NbdCommand, REQUEST_MAGIC } from './protocol.js'
import { putU64, viewOf } from './wire-words.js'

export const REQUEST_BYTES = 28

/** One request on the wire, for as long as it takes and over as many connections. */
export class NbdRequest {
  /** Parts of a read that have come. */
  readonly covered: Coverage
  /** Under which it waits for its answer. */
  cookie = 0
  /** The first error of a reply that is not complete yet. */
  error: XenError | undefined
  /** All its bytes are with the system, and its memory is not read any more. */
  sent = false
  /** The server has answered. */
  answered = false
  /** Of a flush: which changes it makes durable. */
  mark = 0
  /** When its connection broke for the first time, by the client's clock. */
  lostAt: number | undefined

  /**
   * @param views what is read into, or written from; empty for all else
   * @param onDone called once, after which `views` are not touched
   */
  constructor(
    readonly command: NbdCommand,
    readonly flags: number,
    readonly position: number,
    readonly byteLength: number,
    readonly views: readonly Uint8Array[],
    readonly onDone: (error?: XenError) => void,
  ) {
    this.covered = new Coverage(position, byteLength)
  }

  /** Bytes that it carries in either direction. */
  get payloadBytes(): number {
    return this.views.length === 0 ? 0 : this.byteLength
  }

  /** As if it had never been sent before. */
  renew(cookie: number): void {
    this.cookie = cookie
    this.covered.clear()
    this.error = undefined
    this.sent = false
    this.answered = false
  }

  header(): Uint8Array {
    const bytes = new Uint8Array(REQUEST_BYTES)
    const words = viewOf(bytes)
    words.setUint32(0, REQUEST_MAGIC)
    words.setUint16(4, this.flags)
    words.setUint16(6, this.command)
    putU64(words, 8, this.cookie)
    putU64(words, 16, this.position)
    words.setUint32(24, this.byteLength)
    return bytes
  }
}

/** There is no answer to it. */
export const disconnectHeader = (): Uint8Array =>
  new NbdRequest(NbdCommand.Disconnect, 0, 0, 0, [], () => undefined).header()
