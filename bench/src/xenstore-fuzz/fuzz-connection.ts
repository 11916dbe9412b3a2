import {
  type ByteChannel,
  concatBytes,
  decodeWatchEvent,
  type Message,
  MessageReader,
  PAYLOAD_MAX_BYTES,
  SOCKMSG_BYTES,
  WIRE_ERRORS,
  XenStoreOp,
  xsdSockmsg,
} from '@split-driver/xenbus'

/** Turns that a server may take before an answer must be there. */
const PATIENCE = 20_000

const EMPTY = new Uint8Array()
const text = new TextDecoder('latin1')
const ERROR_BODIES: ReadonlySet<string> = new Set(WIRE_ERRORS.map((name) => `${name}\0`))

/** What a message's header says. */
interface Header {
  readonly type: number
  readonly reqId: number
  readonly txId: number
}

/**
 * A client that sends any bytes. It cuts what it sends into messages as the server must, and so knows which replies are due,
 * or that the server must close.
 */
export class FuzzConnection {
  readonly channel: ByteChannel
  readonly #reader: MessageReader
  /** Sent, and not part of a whole message yet. */
  #partial: Uint8Array = EMPTY
  #unsent: Uint8Array = EMPTY
  readonly #due: Header[] = []
  #mustClose = false
  #fault: string | undefined

  constructor(channel: ByteChannel) {
    this.channel = channel
    this.#reader = new MessageReader(channel)
    channel.onReady(() => this.#ready())
  }

  /** The server was told of a body that no message has. */
  get mustClose(): boolean {
    return this.#mustClose
  }

  send(bytes: Uint8Array): void {
    this.#unsent = concatBytes(this.#unsent, bytes)
    this.#partial = concatBytes(this.#partial, bytes)
    this.#cut()
    this.#flush()
  }

  /** Waits for what is due. @returns what is wrong */
  async settled(isGivenUp: () => boolean): Promise<string | undefined> {
    for (let turn = 0; turn < PATIENCE; turn++) {
      if (this.#fault !== undefined) return this.#fault
      if (this.#mustClose ? isGivenUp() : this.#due.length === 0 && this.#unsent.length === 0) return undefined
      if (this.channel.closed) return undefined
      await Promise.resolve()
    }
    return this.#mustClose ? 'the connection is still open' : `${this.#due.length} replies never came`
  }

  #cut(): void {
    while (!this.#mustClose && this.#partial.length >= SOCKMSG_BYTES) {
      const words = new Int32Array(xsdSockmsg.words)
      new Uint8Array(words.buffer).set(this.#partial.subarray(0, SOCKMSG_BYTES))
      const { type, reqId, txId, len } = xsdSockmsg.read(words)
      if (len > PAYLOAD_MAX_BYTES) this.#mustClose = true
      else if (this.#partial.length < SOCKMSG_BYTES + len) return
      else this.#due.push({ type, reqId, txId })
      this.#partial = this.#partial.slice(SOCKMSG_BYTES + len)
    }
  }

  #flush(): void {
    while (this.#unsent.length > 0) {
      const count = this.channel.send(this.#unsent)
      if (count === 0) return
      this.#unsent = this.#unsent.subarray(count)
    }
  }

  #ready(): void {
    this.#flush()
    for (let message = this.#reader.next(); message !== undefined; message = this.#reader.next()) {
      this.#fault ??= this.#faultOf(message)
    }
    if (this.#reader.broken) this.#fault ??= 'the server sent a body beyond 4096 bytes'
  }

  #faultOf({ type, reqId, txId, body }: Message): string | undefined {
    if (type === XenStoreOp.WatchEvent && reqId === 0 && txId === 0 && decodeWatchEvent(body) !== undefined) return
    const due = this.#due.shift()
    if (due === undefined) return `a message of type ${type} that nobody asked for`
    if (reqId !== due.reqId || txId !== due.txId) return `request ${due.reqId} was answered as request ${reqId}`
    if (type === XenStoreOp.Error) return ERROR_BODIES.has(text.decode(body)) ? undefined : 'an error without a name'
    return type === due.type ? undefined : `a request of type ${due.type} was answered with type ${type}`
  }
}
