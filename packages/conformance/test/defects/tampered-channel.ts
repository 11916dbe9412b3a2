import { type ByteChannel, channelPair, type Message, MessageReader, MessageWriter } from '@split-driver/xenbus'

/** What a wrong server makes of what it gets, and of what a right one would say. */
export interface WireDefect {
  readonly request?: (right: Message) => Message
  readonly reply?: (right: Message) => readonly Message[]
}

/** Messages from one channel to another, each as `change` makes it. */
const pump = (from: ByteChannel, to: ByteChannel, change: (message: Message) => readonly Message[]): (() => void) => {
  const reader = new MessageReader(from)
  const writer = new MessageWriter(to)
  return () => {
    for (let message = reader.next(); message !== undefined; message = reader.next())
      for (const changed of change(message)) writer.push(changed)
    writer.flush()
  }
}

/** A connection to a right server that looks like one to a wrong one. */
export const tamperedChannel = (server: ByteChannel, { request, reply }: WireDefect): ByteChannel => {
  const [ours, theirs] = channelPair()
  const ask = pump(theirs, server, (message) => [request?.(message) ?? message])
  const answer = pump(server, theirs, (message) => reply?.(message) ?? [message])
  const move = (): void => {
    ask()
    answer()
    if (theirs.closed) server.close()
  }
  theirs.onReady(move)
  server.onReady(move)
  return ours
}
