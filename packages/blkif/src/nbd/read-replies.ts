import { XenError, type XenErrorCode } from '@split-driver/abi'
import { sliceViews } from '../views.js'
import type { Parser } from './byte-feed.js'
import type { NbdRequest } from './nbd-request.js'
import {
  CHUNK_DONE,
  ChunkType,
  MAX_STRING_BYTES,
  NbdCommand,
  SHUTDOWN_ERROR,
  SIMPLE_REPLY_MAGIC,
  STRUCTURED_REPLY_MAGIC,
} from './protocol.js'
import { shownBytes, u64, viewOf } from './wire-words.js'

/** Whose replies are read. */
export interface Replies {
  /** The server was told that it may send structured replies, and must for reads. */
  readonly structured: boolean
  /** The request that waits under this cookie. */
  find(cookie: number): NbdRequest | undefined
  /** Its reply is complete; `request.error` tells how it went. */
  onAnswer(request: NbdRequest): void
}

/** The server says that it ends. */
export class ServerShutdown extends XenError {
  constructor() {
    super('EIO', 'the NBD server is shutting down')
  }
}

/** The server sent what it must not. */
export class BrokenProtocol extends XenError {
  constructor(what: string) {
    super('EIO', `the NBD server broke the protocol: it sent ${what}`)
  }
}

/** Reads replies until the connection ends. @throws XenError EIO naming what breaks the protocol */
export function* readReplies(replies: Replies): Parser<never> {
  for (;;) {
    const head = viewOf(yield 16)
    const magic = head.getUint32(0)
    const cookie = u64(head, 8)
    if (magic === SIMPLE_REPLY_MAGIC) yield* readSimple(replies, cookie, head.getUint32(4))
    else if (magic === STRUCTURED_REPLY_MAGIC && replies.structured)
      yield* readChunk(replies, cookie, head.getUint16(4), head.getUint16(6))
    else throw new BrokenProtocol(`a reply that begins with ${shownBytes(head)}`)
  }
}

function* readSimple(replies: Replies, cookie: number, error: number): Parser<void> {
  const request = waiting(replies, cookie)
  const isRead = request.command === NbdCommand.Read
  if (isRead && replies.structured)
    throw new BrokenProtocol('a simple reply to a read, where structured ones were agreed on')
  if (error !== 0) request.error = serverError(request, error)
  else if (isRead) yield* fill(request, request.position, request.byteLength)
  replies.onAnswer(request)
}

function* readChunk(replies: Replies, cookie: number, flags: number, type: number): Parser<void> {
  const length = viewOf(yield 4).getUint32(0)
  const request = waiting(replies, cookie)
  const isLast = (flags & CHUNK_DONE) !== 0
  if ((type & ChunkType.ErrorBit) !== 0) yield* readError(request, length)
  else if (type === ChunkType.OffsetData && request.command === NbdCommand.Read) yield* readData(request, length)
  else if (type === ChunkType.OffsetHole && request.command === NbdCommand.Read) yield* readHole(request, length)
  else if (type !== ChunkType.None || length !== 0 || !isLast)
    throw new BrokenProtocol(`a chunk of type ${type} with ${length} bytes in reply to a request ${request.command}`)
  if (!isLast) return
  if (request.command === NbdCommand.Read && request.error === undefined && !request.covered.complete)
    throw new BrokenProtocol('a reply to a read that lacks some of its bytes')
  replies.onAnswer(request)
}

function* readData(request: NbdRequest, length: number): Parser<void> {
  if (length < 9) throw new BrokenProtocol(`a chunk of data with ${length} bytes`)
  yield* fill(request, u64(viewOf(yield 8), 0), length - 8)
}

function* readHole(request: NbdRequest, length: number): Parser<void> {
  if (length !== 12) throw new BrokenProtocol(`a hole told in ${length} bytes`)
  const words = viewOf(yield 12)
  for (const piece of target(request, u64(words, 0), words.getUint32(8))) piece.fill(0)
}

/** Error code, message for people, and of some kinds a position, which says nothing that we act on. */
function* readError(request: NbdRequest, length: number): Parser<void> {
  if (length < 6 || length > 6 + MAX_STRING_BYTES + 8) throw new BrokenProtocol(`an error told in ${length} bytes`)
  const payload = yield length
  const words = viewOf(payload)
  const [code, messageBytes] = [words.getUint32(0), words.getUint16(4)]
  if (code === 0 || messageBytes > length - 6) throw new BrokenProtocol('an error that is none')
  request.error ??= serverError(request, code, new TextDecoder().decode(payload.subarray(6, 6 + messageBytes)))
}

function* fill(request: NbdRequest, position: number, length: number): Parser<void> {
  for (const piece of target(request, position, length)) yield piece
}

const target = (request: NbdRequest, position: number, length: number): Uint8Array[] => {
  if (length === 0 || !request.covered.add(position, length))
    throw new BrokenProtocol(
      `${length} bytes at ${position} in reply to a read of ${request.byteLength} at ${request.position}`,
    )
  const start = position - request.position
  return sliceViews(request.views, start, start + length)
}

const waiting = (replies: Replies, cookie: number): NbdRequest => {
  const request = replies.find(cookie)
  if (request === undefined) throw new BrokenProtocol(`a reply to ${cookie}, which is no request that waits`)
  return request
}

/** NBD_E* by number; any other counts as EINVAL. */
const ERRORS: Readonly<Record<number, XenErrorCode>> = {
  1: 'EPERM',
  5: 'EIO',
  12: 'ENOMEM',
  22: 'EINVAL',
  28: 'ENOSPC',
  75: 'E2BIG',
  95: 'EOPNOTSUPP',
}

const NAMES: Readonly<Record<NbdCommand, string>> = {
  [NbdCommand.Read]: 'read',
  [NbdCommand.Write]: 'write',
  [NbdCommand.Disconnect]: 'disconnect',
  [NbdCommand.Flush]: 'flush',
  [NbdCommand.Trim]: 'trim',
  [NbdCommand.WriteZeroes]: 'write of zeroes',
}

const serverError = ({ command, position, byteLength }: NbdRequest, error: number, message = ''): XenError => {
  if (error === SHUTDOWN_ERROR) return new ServerShutdown()
  const what = command === NbdCommand.Flush ? 'a flush' : `a ${NAMES[command]} of ${byteLength} bytes at ${position}`
  const words = message === '' ? '' : `: ${JSON.stringify(message)}`
  return new XenError(ERRORS[error] ?? 'EINVAL', `the NBD server failed ${what} with error ${error}${words}`, {
    detail: { error, position, byteLength },
  })
}
