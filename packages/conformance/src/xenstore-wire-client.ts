import {
  type ByteChannel,
  decodeError,
  decodeWatchEvent,
  encodeMessage,
  type Message,
  MessageReader,
  MessageWriter,
  packStringAndRest,
  packStrings,
  toText,
  unpackTexts,
  XenStoreOp,
} from '@split-driver/xenbus'

/** Lets everything happen that needs no time: deliveries, turns, replies. For channels that live in microtasks. */
export const settle = async (rounds = 60): Promise<void> => {
  for (let i = 0; i < rounds; i++) await Promise.resolve()
}

/**
 * A XenStore client that speaks the wire as it is: nothing is checked, everything can be sent, and every message that comes
 * is kept. For judging servers; programs use `XenStoreClient`.
 */
export class XenStoreWireClient {
  readonly channel: ByteChannel
  /** Every message that came, in order. */
  readonly messages: Message[] = []
  readonly #reader: MessageReader
  readonly #writer: MessageWriter
  #reading = true
  #reqId = 0

  constructor(channel: ByteChannel) {
    this.channel = channel
    this.#reader = new MessageReader(channel)
    this.#writer = new MessageWriter(channel)
    channel.onReady(() => this.#ready())
  }

  /** Takes nothing more until `resume`. */
  stall(): void {
    this.#reading = false
  }

  resume(): void {
    this.#reading = true
    this.#ready()
  }

  post(type: number, body: Uint8Array, txId = 0): number {
    this.#reqId += 1
    this.#writer.push({ type, reqId: this.#reqId, txId, body })
    this.#writer.flush()
    return this.#reqId
  }

  /** Bytes as they are, valid or not. */
  postRaw(bytes: Uint8Array): void {
    this.channel.send(bytes)
  }

  /** @returns the reply, once it is there */
  async request(type: number, body: Uint8Array, txId = 0): Promise<Message> {
    const reqId = this.post(type, body, txId)
    for (let round = 0; round < 10_000; round++) {
      const reply = this.messages.findLast((message) => message.reqId === reqId)
      if (reply !== undefined) return reply
      await Promise.resolve()
    }
    throw new Error(`no reply to operation ${type}`)
  }

  /** As text: the reply's strings joined by `|`, or `!` and the error's name. */
  async ask(type: number, body: Uint8Array, txId = 0): Promise<string> {
    return shownReply(await this.request(type, body, txId))
  }

  read(path: string, txId = 0): Promise<string> {
    return this.ask(XenStoreOp.Read, packStrings(path), txId)
  }

  write(path: string, value: string | Uint8Array, txId = 0): Promise<string> {
    return this.ask(XenStoreOp.Write, packStringAndRest(path, value), txId)
  }

  mkdir(path: string, txId = 0): Promise<string> {
    return this.ask(XenStoreOp.Mkdir, packStrings(path), txId)
  }

  rm(path: string, txId = 0): Promise<string> {
    return this.ask(XenStoreOp.Rm, packStrings(path), txId)
  }

  directory(path: string, txId = 0): Promise<string> {
    return this.ask(XenStoreOp.Directory, packStrings(path), txId)
  }

  getPerms(path: string, txId = 0): Promise<string> {
    return this.ask(XenStoreOp.GetPerms, packStrings(path), txId)
  }

  setPerms(path: string, permissions: readonly string[], txId = 0): Promise<string> {
    return this.ask(XenStoreOp.SetPerms, packStrings(path, ...permissions), txId)
  }

  watch(path: string, token: string | Uint8Array): Promise<string> {
    return this.ask(XenStoreOp.Watch, packStrings(path, token))
  }

  unwatch(path: string, token: string): Promise<string> {
    return this.ask(XenStoreOp.Unwatch, packStrings(path, token))
  }

  /** @returns its id */
  async start(): Promise<number> {
    return Number(await this.ask(XenStoreOp.TransactionStart, packStrings('')))
  }

  end(txId: number, commit = true): Promise<string> {
    return this.ask(XenStoreOp.TransactionEnd, packStrings(commit ? 'T' : 'F'), txId)
  }

  /** The watch events that came since the last call, as `path token`. */
  async events(): Promise<string[]> {
    await settle()
    return this.takeEvents()
  }

  /** As `events`, of what is there already. */
  takeEvents(): string[] {
    const events = this.messages.filter(({ type }) => type === XenStoreOp.WatchEvent)
    const others = this.messages.filter(({ type }) => type !== XenStoreOp.WatchEvent)
    this.messages.splice(0, this.messages.length, ...others)
    return events.map(shownEvent)
  }

  protected arrived(message: Message): void {
    this.messages.push(message)
  }

  #ready(): void {
    this.#writer.flush()
    if (!this.#reading) return
    for (let message = this.#reader.next(); message !== undefined; message = this.#reader.next()) {
      this.arrived(message)
    }
  }
}

export const shownReply = ({ type, body }: Message): string => {
  if (type === XenStoreOp.Error) return `!${decodeError(body)}`
  return body.at(-1) === 0 ? unpackTexts(body)!.join('|') : toText(body)
}

export const shownEvent = ({ body }: Message): string => {
  const event = decodeWatchEvent(body)!
  return `${event.path} ${toText(event.token)}`
}

/** A header that announces `length` bytes, whatever follows. */
export const headerOf = (type: number, length: number): Uint8Array => {
  const bytes = encodeMessage({ type, reqId: 1, txId: 0, body: new Uint8Array() })
  new DataView(bytes.buffer).setUint32(12, length, true)
  return bytes
}
