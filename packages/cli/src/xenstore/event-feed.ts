import { XenError } from '@split-driver/abi'
import {
  type ByteChannel,
  decodeError,
  decodeWatchEvent,
  type Message,
  MessageReader,
  MessageWriter,
  packStrings,
  XenStoreOp,
} from '@split-driver/xenbus'

/**
 * Each event of some watches, in the order in which the server sent them. A client's own watches tell a path once however
 * often it changed; who prints events wants them all. It has the channel alone.
 */
export class EventFeed {
  readonly #channel: ByteChannel
  readonly #reader: MessageReader
  readonly #writer: MessageWriter
  /** Paths of events that came before they were asked for. */
  readonly #early: string[] = []
  #wake: () => void = () => undefined

  constructor(channel: ByteChannel) {
    this.#channel = channel
    this.#reader = new MessageReader(channel)
    this.#writer = new MessageWriter(channel)
    channel.onReady(() => {
      this.#writer.flush()
      this.#wake()
    })
  }

  /**
   * @param depth levels below the path that are watched; all unless given, and on servers that know of no depth
   * @throws XenError what the server answered, EEXIST if the path is watched already; CLOSED
   */
  async watch(path: string, depth?: number): Promise<void> {
    const body = depth === undefined ? packStrings(path, path) : packStrings(path, path, String(depth))
    this.#writer.push({ type: XenStoreOp.Watch, reqId: 1, txId: 0, body })
    this.#writer.flush()
    for (;;) {
      const message = await this.#message()
      if (message.type === XenStoreOp.Error) throw refusal(path, message)
      if (message.type === XenStoreOp.Watch) return
      const changed = eventPath(message)
      if (changed !== undefined) this.#early.push(changed)
    }
  }

  /** What changed next. @throws XenError CLOSED */
  async next(): Promise<string> {
    const early = this.#early.shift()
    if (early !== undefined) return early
    for (;;) {
      const path = eventPath(await this.#message())
      if (path !== undefined) return path
    }
  }

  async #message(): Promise<Message> {
    for (;;) {
      const message = this.#reader.next()
      if (message !== undefined) return message
      if (this.#channel.closed || this.#reader.broken)
        throw new XenError('CLOSED', 'the connection to XenStore has ended')
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }
}

const refusal = (path: string, { body }: Message): XenError =>
  new XenError(decodeError(body), `watch ${path}`, { detail: { operation: 'watch', path } })

const eventPath = ({ type, body }: Message): string | undefined =>
  type === XenStoreOp.WatchEvent ? decodeWatchEvent(body)?.path : undefined
