import {
  type ByteChannel,
  type Message,
  MessageReader,
  MessageWriter,
  packStringAndRest,
  packStrings,
  XenStoreOp,
} from '@split-driver/xenbus'
import { shownReply } from '../xenstore-wire-client.js'
import type { HistoryStep } from './history.js'

/** A request that was sent: when, and when its reply came. */
export interface Exchanged {
  readonly called: number
  readonly returned: number
  readonly reply: string
}

export type HistoryRequest = Omit<HistoryStep, 'reply'>

const CODES = {
  read: XenStoreOp.Read,
  write: XenStoreOp.Write,
  rm: XenStoreOp.Rm,
  directory: XenStoreOp.Directory,
} as const

/** Sends requests without waiting for the replies of earlier ones, and notes when each was sent and answered. */
export class HistoryClient {
  readonly #tick: () => number
  readonly #reader: MessageReader
  readonly #writer: MessageWriter
  readonly #waiting = new Map<number, (reply: Message) => void>()
  #reqId = 0

  /** @param tick the clock that all clients of a history share */
  constructor(channel: ByteChannel, tick: () => number) {
    this.#tick = tick
    this.#reader = new MessageReader(channel)
    this.#writer = new MessageWriter(channel)
    channel.onReady(() => this.#ready())
  }

  ask({ kind, path, value }: HistoryRequest, txId: number): Promise<Exchanged> {
    return this.#send(CODES[kind], kind === 'write' ? packStringAndRest(path, value) : packStrings(path), txId)
  }

  start(): Promise<Exchanged> {
    return this.#send(XenStoreOp.TransactionStart, packStrings(''), 0)
  }

  end(txId: number, commit: boolean): Promise<Exchanged> {
    return this.#send(XenStoreOp.TransactionEnd, packStrings(commit ? 'T' : 'F'), txId)
  }

  #send(type: number, body: Uint8Array, txId: number): Promise<Exchanged> {
    const called = this.#tick()
    this.#reqId += 1
    const reqId = this.#reqId
    const exchanged = new Promise<Exchanged>((resolve) => {
      this.#waiting.set(reqId, (reply) => resolve({ called, returned: this.#tick(), reply: shownReply(reply) }))
    })
    this.#writer.push({ type, reqId, txId, body })
    this.#writer.flush()
    return exchanged
  }

  #ready(): void {
    this.#writer.flush()
    for (let message = this.#reader.next(); message !== undefined; message = this.#reader.next()) {
      this.#waiting.get(message.reqId)?.(message)
      this.#waiting.delete(message.reqId)
    }
  }
}
