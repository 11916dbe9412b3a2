import { type Message, PAYLOAD_MAX_BYTES, XenStoreOp } from '@split-driver/xenbus'
import { type Operation, shown, typeName } from './operation.js'
import type { Received } from './wire-connection.js'

/** What one daemon did about one operation, with what only it can know (ids, generations) replaced by what it is for. */
export interface Observation {
  /** Type and body of the reply; more than one, or none, is told as such. */
  readonly reply: string
  /** The reply's body as it came, for those who look into it. */
  readonly body: Uint8Array
  /** Events that each client got, in the order in which they came. */
  readonly events: readonly (readonly string[])[]
  /** How many of its own events the asking client got before the reply. */
  readonly eventsBeforeReply: number
  /** Which clients lost their connection. */
  readonly closed: readonly boolean[]
}

/** In what two observations may differ. */
export type Aspect = 'reply' | 'events' | 'order of events' | 'order of reply and events' | 'connection'

/** @param received by each client; the asking one's holds the reply */
export function observe(operation: Operation, received: readonly Received[], sentTxId: number): Observation {
  const own = received[operation.client]!.messages
  const at = own.findIndex(isReply)
  const replies = own.filter(isReply)
  return {
    reply: replies.map((reply) => replyText(operation, reply, sentTxId)).join(' and ') || 'no reply',
    body: replies[0]?.body ?? new Uint8Array(),
    events: received.map(({ messages }) => messages.filter((message) => !isReply(message)).map(eventText)),
    eventsBeforeReply: Math.max(at, 0),
    closed: received.map(({ closed }) => closed),
  }
}

/** In what the two differ. */
export function aspectsOf(one: Observation, other: Observation): Aspect[] {
  const aspects: Aspect[] = []
  if (one.reply !== other.reply) aspects.push('reply')
  if (!same(one.closed, other.closed)) aspects.push('connection')
  if (!same(one.events.map(sorted), other.events.map(sorted))) aspects.push('events')
  else {
    if (!same(one.events, other.events)) aspects.push('order of events')
    if (one.eventsBeforeReply !== other.eventsBeforeReply) aspects.push('order of reply and events')
  }
  return aspects
}

/** The reply's error, if it is one. */
export const errorOf = ({ reply }: Observation): string | undefined => /^ERROR "(\w+)\\u0000"/.exec(reply)?.[1]

export function describeObservation({ reply, events, closed, eventsBeforeReply }: Observation): string {
  const parts = events.map((list, client) => (list.length === 0 ? '' : `; client ${client} gets ${list.join(', ')}`))
  const lost = closed.map((isClosed, client) => (isClosed ? `; client ${client} is closed` : ''))
  const before = eventsBeforeReply === 0 ? '' : ` after ${eventsBeforeReply} events`
  return `${reply}${before}${parts.join('')}${lost.join('')}`
}

const isReply = ({ type }: Message): boolean => type !== XenStoreOp.WatchEvent

const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other)

const sorted = (texts: readonly string[]): string[] => [...texts].sort()

function replyText(operation: Operation, { type, reqId, txId, body }: Message, sentTxId: number): string {
  const header = txId === sentTxId ? '' : txId === 0 ? ' of transaction 0' : ' of another transaction'
  const number = reqId === 1 ? '' : ` to request ${reqId}`
  return `${typeName(type)} ${roleOf(operation, type, body)}${header}${number}`
}

/** Whose numbers are its own to choose. */
function roleOf({ type }: Operation, replyType: number, body: Uint8Array): string {
  if (replyType === type && type === XenStoreOp.TransactionStart) {
    return /^[1-9]\d*\0$/.test(Buffer.from(body).toString('latin1')) ? 'an id' : shown(body)
  }
  if (replyType === type && type === XenStoreOp.DirectoryPart) {
    const end = body.indexOf(0)
    return `a generation and ${partText(body.subarray(end + 1), body.length)}`
  }
  return digest(body)
}

/** More digits than a generation has leave less room for names; so much there is room for always. */
const ALWAYS_BYTES = 4000

/** A listing's last part, or one that holds as much as there is room for, with one byte left for the end. */
function partText(names: Uint8Array, bodyBytes: number): string {
  const text = Buffer.from(names).toString('latin1')
  if (text === '\0' || text.endsWith('\0\0')) return digest(names)
  const lastBytes = text.length - text.lastIndexOf('\0', text.length - 2) - 1
  const free = PAYLOAD_MAX_BYTES - 1 - bodyBytes
  const fill = free < 0 ? 'too many names' : free < lastBytes ? 'as many names as fit' : 'fewer names than fit'
  return `${fill}, ${digest(names.subarray(0, ALWAYS_BYTES))}`
}

/** Long bodies are told by their beginning and a sum, so that a difference in the middle is one. */
function digest(body: Uint8Array): string {
  const sum = body.reduce((total, byte) => (Math.imul(total, 31) + byte) >>> 0, 0)
  return body.length > 160 ? `${shown(body)} sum ${sum}` : shown(body)
}

function eventText({ reqId, txId, body }: Message): string {
  const header = reqId === 0 && txId === 0 ? '' : ` with request ${reqId} of transaction ${txId}`
  return `${shown(body)}${header}`
}
