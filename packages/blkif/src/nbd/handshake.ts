import { XenError, type XenErrorCode } from '@split-driver/abi'
import type { Parser } from './byte-feed.js'
import { blockSizes, DEFAULT_BLOCK_SIZES, type ExportInfo } from './export-info.js'
import {
  HandshakeFlag,
  MAX_STRING_BYTES,
  NBD_MAGIC,
  NbdInfo,
  NbdOption,
  OLDSTYLE_MAGIC,
  OPTION_MAGIC,
  OPTION_REPLY_MAGIC,
  OptionReply,
} from './protocol.js'
import { isMagic, putMagic, shownBytes, u64, viewOf } from './wire-words.js'

export type Send = (bytes: Uint8Array) => void

/** What the server can say in its handshake. */
export interface Greeting {
  /** It answers options; without, it knows only the oldest, and hangs up on any mistake. */
  readonly fixed: boolean
  readonly zeroes: boolean
}

/** How an export was entered. */
export interface Entered {
  readonly info: ExportInfo
  readonly structured: boolean
}

/** No reply that we ask for is longer. */
const MAX_REPLY_BYTES = MAX_STRING_BYTES + 64
/** An honest server sends one of each kind. */
const MAX_REPLIES = 64

/** The server's first words, and the answer. @throws XenError EPROTO if it speaks another protocol */
export function* greet(send: Send): Parser<Greeting> {
  const first = viewOf(yield 8)
  if (!isMagic(first, NBD_MAGIC))
    throw protocolError(`no NBD server answers there: its first words are ${shownBytes(first)}`)
  const second = viewOf(yield 8)
  if (isMagic(second, OLDSTYLE_MAGIC))
    throw protocolError(
      'the NBD server speaks only the oldstyle handshake, which knows no exports; a newer one is needed',
    )
  if (!isMagic(second, OPTION_MAGIC)) throw protocolError(`the NBD handshake goes on with ${shownBytes(second)}`)
  const flags = viewOf(yield 2).getUint16(0)
  const answer = new Uint8Array(4)
  viewOf(answer).setUint32(0, flags & (HandshakeFlag.FixedNewstyle | HandshakeFlag.NoZeroes))
  send(answer)
  return { fixed: (flags & HandshakeFlag.FixedNewstyle) !== 0, zeroes: (flags & HandshakeFlag.NoZeroes) === 0 }
}

/** Asks to go on encrypted; TLS begins right after. @throws XenError EACCES if the server does not want to */
export function* askForTls(send: Send, { fixed }: Greeting): Parser<void> {
  const refuse = (why: string) => new XenError('EACCES', `the NBD server offers no TLS, which nbds: needs: ${why}`)
  if (!fixed) throw refuse('its handshake knows no options')
  const { refusal } = yield* ask(send, NbdOption.StartTls)
  if (refusal) throw refuse(refusal.message)
}

/** Chooses an export. From then on the server waits for requests. @throws XenError saying why it cannot be had */
export function* enterExport(send: Send, greeting: Greeting, name: string): Parser<Entered> {
  if (!greeting.fixed) return { info: yield* enterByName(send, greeting, name), structured: false }
  const structure = yield* ask(send, NbdOption.StructuredReply)
  if (structure.refusal?.type === OptionReply.TlsRequired) throw refused(structure.refusal, name)
  const structured = structure.refusal === undefined
  const { refusal, info } = yield* ask(send, NbdOption.Go, exportQuery(name))
  if (refusal?.type === OptionReply.Unsupported) return { info: yield* enterByName(send, greeting, name), structured }
  if (refusal) throw refused(refusal, name)
  return { info: complete(info), structured }
}

/** The older way, which has no room for an answer: where there is no such export, the server hangs up. */
function* enterByName(send: Send, { zeroes }: Greeting, name: string): Parser<ExportInfo> {
  send(optionBytes(NbdOption.ExportName, new TextEncoder().encode(name)))
  const words = viewOf(yield 10)
  const info = { ...DEFAULT_BLOCK_SIZES, byteLength: u64(words, 0), flags: words.getUint16(8) }
  if (zeroes) yield 124
  return complete(info)
}

interface Refusal {
  readonly type: number
  readonly message: string
}

interface Answer {
  readonly refusal?: Refusal
  readonly info: Partial<ExportInfo>
}

/** One option and all replies to it. */
function* ask(send: Send, option: NbdOption, data: Uint8Array = new Uint8Array(0)): Parser<Answer> {
  send(optionBytes(option, data))
  let info: Partial<ExportInfo> = {}
  for (let replies = 0; replies < MAX_REPLIES; replies++) {
    const head = viewOf(yield 20)
    if (!isMagic(head, OPTION_REPLY_MAGIC))
      throw protocolError(`the NBD server answers an option with ${shownBytes(head)}`)
    const [about, type, length] = [head.getUint32(8), head.getUint32(12), head.getUint32(16)]
    if (about !== option) throw protocolError(`the NBD server answers option ${about}; ${option} was asked for`)
    if (length > MAX_REPLY_BYTES) throw protocolError(`the NBD server answers an option with ${length} bytes`)
    const payload = yield length
    if (type === OptionReply.Ack) return { info }
    if (type >= OptionReply.Unsupported) return { info, refusal: { type, message: refusalText(type, payload) } }
    if (type === OptionReply.Info) info = { ...info, ...readInfo(payload) }
  }
  throw protocolError(`the NBD server answers one option with more than ${MAX_REPLIES} replies`)
}

const optionBytes = (option: NbdOption, data: Uint8Array): Uint8Array => {
  const bytes = new Uint8Array(16 + data.length)
  const words = viewOf(bytes)
  putMagic(words, OPTION_MAGIC)
  words.setUint32(8, option)
  words.setUint32(12, data.length)
  bytes.set(data, 16)
  return bytes
}

/** Nothing more is asked for. The answer need not be waited for. */
export const abortOption = (): Uint8Array => optionBytes(NbdOption.Abort, new Uint8Array(0))

/** The export's name, and that its block sizes are wanted, which promises to heed them. */
const exportQuery = (name: string): Uint8Array => {
  const encoded = new TextEncoder().encode(name)
  const bytes = new Uint8Array(4 + encoded.length + 4)
  const words = viewOf(bytes)
  words.setUint32(0, encoded.length)
  bytes.set(encoded, 4)
  words.setUint16(4 + encoded.length, 1)
  words.setUint16(6 + encoded.length, NbdInfo.BlockSize)
  return bytes
}

const readInfo = (payload: Uint8Array): Partial<ExportInfo> => {
  const words = viewOf(payload)
  if (payload.length < 2) throw protocolError('the NBD server sends information of no kind')
  const kind = words.getUint16(0)
  const expectLength = (length: number) => {
    if (payload.length !== length)
      throw protocolError(`the NBD server's information ${kind} has ${payload.length} bytes`)
  }
  if (kind === NbdInfo.Export) {
    expectLength(12)
    return { byteLength: u64(words, 2), flags: words.getUint16(10) }
  }
  if (kind !== NbdInfo.BlockSize) return {}
  expectLength(14)
  return blockSizes(words.getUint32(2), words.getUint32(6), words.getUint32(10))
}

const complete = (info: Partial<ExportInfo>): ExportInfo => {
  const { byteLength, flags } = info
  if (byteLength === undefined || flags === undefined)
    throw protocolError('the NBD server does not tell the size of its export')
  if (!Number.isSafeInteger(byteLength))
    throw protocolError(`the NBD export has ${byteLength} bytes, more than can be counted`)
  return { ...DEFAULT_BLOCK_SIZES, ...info, byteLength, flags }
}

const REFUSALS: Readonly<Record<number, readonly [XenErrorCode, string]>> = {
  [OptionReply.Unsupported]: ['EOPNOTSUPP', 'does not know the option'],
  [OptionReply.Policy]: ['EPERM', 'must not give it'],
  [OptionReply.Invalid]: ['EINVAL', 'finds the request wrong'],
  [OptionReply.Platform]: ['EOPNOTSUPP', 'cannot do that where it runs'],
  [OptionReply.TlsRequired]: ['EACCES', 'insists on TLS: use nbds: or nbds+unix:'],
  [OptionReply.Unknown]: ['ENOENT', 'has no such export'],
  [OptionReply.Shutdown]: ['EAGAIN', 'is shutting down'],
  [OptionReply.TooBig]: ['E2BIG', 'finds the request too long'],
}

const refusalOf = (type: number): readonly [XenErrorCode, string] =>
  REFUSALS[type] ?? ['EIO', `refuses with error ${(type & 0x7fffffff) >>> 0}`]

/** @param payload words of the server's own, for people */
const refusalText = (type: number, payload: Uint8Array): string => {
  const [, what] = refusalOf(type)
  return payload.length === 0 ? `it ${what}` : `it ${what} (${JSON.stringify(new TextDecoder().decode(payload))})`
}

const refused = ({ type, message }: Refusal, name: string): XenError =>
  new XenError(refusalOf(type)[0], `the NBD server does not give the export ${JSON.stringify(name)}: ${message}`, {
    detail: { exportName: name },
  })

const protocolError = (message: string): XenError => new XenError('EPROTO', message)
