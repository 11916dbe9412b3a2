import {
  type ByteChannel,
  concatBytes,
  encodeError,
  isWatchPath,
  MessageReader,
  MessageWriter,
  okBody,
  PAYLOAD_MAX_BYTES,
  SOCKMSG_BYTES,
  toText,
  unpackStrings,
  XenStoreOp,
  xsdSockmsg,
} from '@split-driver/xenbus'
import { NodeFile } from './emulated-nodes-file.js'
import { refused } from './emulated-nodes-refusal.js'

/** Header and body together: the driver's buffer is one payload long, so a body has 16 bytes less than the wire allows. */
const BUFFER_BYTES = PAYLOAD_MAX_BYTES
/** The driver does not set these two fields of an event: whatever the stack held. */
const GARBAGE = 0xdead_beef

type Message = Parameters<MessageWriter['push']>[0]

/**
 * /dev/xen/xenbus: takes whole messages, each in as many writes as one likes; watches and transactions are the file's own.
 * Stricter than Linux in two things: bytes after a message's end, in the same write, are an error where Linux loses them;
 * and so is a request before the one under way has its reply, which Linux sends from this very buffer.
 */
export class XenbusFile extends NodeFile {
  readonly #channel: ByteChannel
  readonly #reader: MessageReader
  readonly #writer: MessageWriter
  readonly #transactions = new Set<number>()
  /** Transactions that are to end, by the request that asks for it. */
  readonly #ending = new Map<number, number>()
  readonly #watches = new Set<string>()
  #request: Uint8Array = new Uint8Array()
  #underWay = false
  #replies: Uint8Array[] = []

  /** @param channel to the server, of this file alone */
  constructor(path: string, channel: ByteChannel) {
    super(path)
    this.#channel = channel
    this.#reader = new MessageReader(channel)
    this.#writer = new MessageWriter(channel)
    channel.onReady(() => this.#relay())
  }

  override get readable(): boolean {
    return this.#replies.length > 0
  }

  ioctl(request: number): number {
    throw refused('ENOTTY', `${this.path} has no request ${request.toString(16)}`)
  }

  override read(target: Uint8Array): number {
    let read = 0
    for (let first = this.#replies[0]; first !== undefined && read < target.length; first = this.#replies[0]) {
      const part = first.subarray(0, target.length - read)
      target.set(part, read)
      read += part.length
      if (part.length === first.length) this.#replies.shift()
      else this.#replies[0] = first.subarray(part.length)
    }
    return read
  }

  override write(source: Uint8Array): number {
    if (this.#underWay) throw new TypeError('a request is under way: Linux overwrites it')
    if (this.#request.length + source.length > BUFFER_BYTES) throw this.#dropped('EINVAL', 'the buffer is full')
    this.#request = concatBytes(this.#request, source)
    if (this.#request.length < SOCKMSG_BYTES) return source.length
    const header = xsdSockmsg.read(new Int32Array(this.#request.slice(0, SOCKMSG_BYTES).buffer))
    const bytes = SOCKMSG_BYTES + header.len
    if (bytes > BUFFER_BYTES) throw this.#dropped('E2BIG', `a body of ${header.len} bytes`)
    if (this.#request.length < bytes) return source.length
    if (this.#request.length > bytes) throw new TypeError('one write has more than one message: Linux loses the rest')
    const message = { ...header, body: this.#request.slice(SOCKMSG_BYTES) }
    this.#request = new Uint8Array()
    this.#take(message)
    return source.length
  }

  override holdings(): string[] {
    return [
      ...super.holdings(),
      ...[...this.#watches].map((watch) => `watch ${watch} of ${this.path}`),
      ...[...this.#transactions].map((id) => `transaction ${id} of ${this.path}`),
    ]
  }

  protected release(): void {
    this.#channel.close()
    this.#transactions.clear()
    this.#watches.clear()
    this.#replies = []
  }

  #dropped(errno: string, why: string) {
    this.#request = new Uint8Array()
    return refused(errno, why)
  }

  #take(message: Message): void {
    const { type, txId, body } = message
    if (type === XenStoreOp.Watch || type === XenStoreOp.Unwatch) this.#takeWatch(message)
    else if (type !== XenStoreOp.TransactionStart && txId !== 0 && !this.#transactions.has(txId))
      this.#reply({ ...message, type: XenStoreOp.Error, body: encodeError('ENOENT') })
    else if (type === XenStoreOp.TransactionEnd && !['T', 'F'].some((end) => isText(body, end)))
      this.#reply({ ...message, type: XenStoreOp.Error, body: encodeError('EINVAL') })
    else {
      if (type === XenStoreOp.TransactionEnd) this.#ending.set(message.reqId, txId)
      this.#ask(message)
    }
  }

  /** The driver has registered a watch before `write` returns, and a watch that the server refuses fails the write. */
  #takeWatch(message: Message): void {
    const [path, token, ...more] = unpackStrings(message.body) ?? []
    const wellFormed = path !== undefined && token !== undefined && more.length === 0
    const watch = toText(message.body)
    if (!wellFormed) this.#reply({ ...message, type: XenStoreOp.Error, body: encodeError('EINVAL') })
    else if (message.type === XenStoreOp.Watch) this.#register(message, toText(path), watch)
    else if (this.#watches.delete(watch)) this.#ask(message)
    // There is nothing to end, which the driver thinks is fine.
    else this.#reply({ ...message, body: okBody() })
  }

  #register(message: Message, path: string, watch: string): void {
    if (!isWatchPath(path)) throw refused('EINVAL', `${path} cannot be watched`)
    this.#watches.add(watch)
    this.#ask(message)
  }

  #ask(message: Message): void {
    this.#underWay = true
    this.#writer.push(message)
    this.#writer.flush()
  }

  #relay(): void {
    this.#writer.flush()
    for (let message = this.#reader.next(); message !== undefined; message = this.#reader.next()) {
      if (message.type === XenStoreOp.TransactionStart)
        this.#transactions.add(Number(toText(message.body).slice(0, -1)))
      this.#transactions.delete(this.#ending.get(message.reqId) ?? 0)
      this.#ending.delete(message.reqId)
      if (message.type !== XenStoreOp.WatchEvent) this.#underWay = false
      this.#reply(message.type === XenStoreOp.WatchEvent ? { ...message, reqId: GARBAGE, txId: GARBAGE } : message)
    }
  }

  #reply({ type, reqId, txId, body }: Message): void {
    const header = xsdSockmsg.create({ type, reqId, txId, len: body.length })
    this.#replies.push(concatBytes(new Uint8Array(header.buffer), body))
    this.onReadable()
  }
}

const isText = (body: Uint8Array, text: string): boolean => toText(body) === `${text}\0`
