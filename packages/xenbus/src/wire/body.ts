import { toBytes, toText } from './text.js'

/** Pieces one after the other, without anything between. */
export const concatBytes = (...pieces: readonly Uint8Array[]): Uint8Array => {
  const all = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    all.set(piece, at)
    at += piece.length
  }
  return all
}

const NUL = Uint8Array.of(0)

/** Strings, each with its NUL. The caller has made sure that none contains one. */
export const packStrings = (...strings: readonly (string | Uint8Array)[]): Uint8Array =>
  packAscii(strings) ?? concatBytes(...strings.flatMap((string) => [toBytes(string), NUL]))

/** Nearly all is ASCII, for which an encoder's detour costs more than the bytes. @returns `undefined` for what is not */
const packAscii = (strings: readonly (string | Uint8Array)[]): Uint8Array | undefined => {
  let length = strings.length
  for (const string of strings) length += string.length
  const packed = new Uint8Array(length)
  let at = 0
  for (const string of strings) {
    if (typeof string === 'string') {
      for (let i = 0; i < string.length; i++) {
        const code = string.charCodeAt(i)
        if (code > 0x7f) return undefined
        packed[at + i] = code
      }
    } else packed.set(string, at)
    at += string.length + 1
  }
  return packed
}

/** A NUL-terminated string, then bytes to the body's end: WRITE's body. */
export const packStringAndRest = (string: string, rest: string | Uint8Array): Uint8Array =>
  concatBytes(toBytes(string), NUL, toBytes(rest))

/**
 * The strings of a body in which each has its NUL, as bytes; they are views of `body`.
 * @returns `undefined` if the last one lacks its NUL
 */
export const unpackStrings = (body: Uint8Array): Uint8Array[] | undefined => {
  if (body.length > 0 && body[body.length - 1] !== 0) return undefined
  const strings: Uint8Array[] = []
  for (let start = 0; start < body.length; ) {
    const end = body.indexOf(0, start)
    strings.push(body.subarray(start, end))
    start = end + 1
  }
  return strings
}

/** As `unpackStrings`, as text. */
export const unpackTexts = (body: Uint8Array): string[] | undefined => unpackStrings(body)?.map(toText)

/** A string and what follows its NUL; `undefined` if there is no NUL. Both are views of `body`. */
export const unpackStringAndRest = (body: Uint8Array): { string: Uint8Array; rest: Uint8Array } | undefined => {
  const end = body.indexOf(0)
  return end < 0 ? undefined : { string: body.subarray(0, end), rest: body.subarray(end + 1) }
}

const OK = packStrings('OK')

/** The body of a reply that says nothing but yes; always the same bytes. @see docs/misc/xenstore.txt */
export const okBody = (): Uint8Array => OK

/** What a watch event tells; the token is whatever bytes the client chose, returned byte for byte (rule 45). */
export interface WatchEventBody {
  readonly path: string
  readonly token: Uint8Array
}

export const encodeWatchEvent = ({ path, token }: WatchEventBody): Uint8Array => packStrings(path, token)

/** @returns `undefined` unless the body is exactly two strings */
export const decodeWatchEvent = (body: Uint8Array): WatchEventBody | undefined => {
  const strings = unpackStrings(body)
  return strings?.length === 2 ? { path: toText(strings[0]!), token: strings[1]! } : undefined
}
