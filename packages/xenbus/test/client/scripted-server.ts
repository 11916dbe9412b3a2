import {
  type ByteChannel,
  encodeError,
  encodeWatchEvent,
  type Message,
  MessageReader,
  MessageWriter,
  okBody,
  toBytes,
  XenStoreOp,
} from '@split-driver/xenbus'

/** The far end of a client's channel, saying what a test wants it to say. */
export class ScriptedServer {
  readonly channel: ByteChannel
  readonly requests: Message[] = []
  readonly #writer: MessageWriter
  /** Called for each request; without it requests are only kept. */
  answer: ((request: Message) => void) | undefined

  constructor(channel: ByteChannel) {
    this.channel = channel
    const reader = new MessageReader(channel)
    this.#writer = new MessageWriter(channel)
    channel.onReady(() => {
      this.#writer.flush()
      for (let message = reader.next(); message; message = reader.next()) {
        this.requests.push(message)
        this.answer?.(message)
      }
    })
  }

  get last(): Message {
    return this.requests.at(-1)!
  }

  reply(request: Message, body: Uint8Array | string = okBody(), type = request.type): void {
    this.push({ type, reqId: request.reqId, txId: request.txId, body: toBytes(body) })
  }

  refuse(request: Message, code: string): void {
    this.push({ type: XenStoreOp.Error, reqId: request.reqId, txId: request.txId, body: encodeError(code) })
  }

  event(path: string, token: string): void {
    this.push({
      type: XenStoreOp.WatchEvent,
      reqId: 0,
      txId: 0,
      body: encodeWatchEvent({ path, token: toBytes(token) }),
    })
  }

  push(message: Message): void {
    this.#writer.push(message)
    this.#writer.flush()
  }
}
