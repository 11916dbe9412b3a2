import { XenError } from '@split-driver/abi'
import { unpackStringAndRest, unpackTexts } from '../wire/body.js'
import { PAYLOAD_MAX_BYTES } from '../wire/message.js'
import { toText } from '../wire/text.js'
import { describe, type Subject } from './request.js'

/** A server that sends without end is not listened to any further (S9). */
export const LISTING_MAX_BYTES = 16 * 2 ** 20

/** How often a listing is begun again because it changed meanwhile. */
export const LISTING_RESTARTS = 64

/** Asks for as much of the listing as one reply holds. @param offset bytes into the listing */
export type AskPart = (offset: number) => Promise<Uint8Array>

/** Names of a node's children, whatever room they take. @throws XenError EAGAIN E2BIG EPROTO; what `ask` throws */
export const readListing = async (ask: AskPart, subject: Subject): Promise<string[]> => {
  for (let restarts = 0; restarts <= LISTING_RESTARTS; restarts++) {
    const listing = await readOnce(ask, subject)
    if (listing === undefined) continue
    const names = unpackTexts(listing)
    if (names === undefined || names.includes('')) throw problem('EPROTO', subject, 'the listing makes no sense')
    return names
  }
  throw problem('EAGAIN', subject, `the listing changed ${LISTING_RESTARTS} times while it was read`)
}

const problem = (code: 'EPROTO' | 'EAGAIN' | 'E2BIG', subject: Subject, why: string): XenError =>
  new XenError(code, `${describe(subject)}: ${why}`, { detail: { ...subject } })

/** Each part begins with the node's generation; the last one ends with one more NUL. @returns nothing if that changed */
const readOnce = async (ask: AskPart, subject: Subject): Promise<Uint8Array | undefined> => {
  let listing = new Uint8Array(2 * PAYLOAD_MAX_BYTES)
  let bytes = 0
  let first: string | undefined
  for (;;) {
    const part = unpackStringAndRest(await ask(bytes))
    if (part === undefined || part.rest.at(-1) !== 0) throw problem('EPROTO', subject, 'a part makes no sense')
    const generation = toText(part.string)
    first ??= generation
    if (generation !== first) return undefined
    const { rest } = part
    if (bytes + rest.length > listing.length) listing = grown(listing)
    listing.set(rest, bytes)
    bytes += rest.length
    if (rest.length === 1 || rest.at(-2) === 0) return listing.subarray(0, bytes - 1)
    if (bytes > LISTING_MAX_BYTES) throw problem('E2BIG', subject, `more than ${LISTING_MAX_BYTES} bytes of names`)
  }
}

const grown = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => {
  const larger = new Uint8Array(2 * bytes.length)
  larger.set(bytes)
  return larger
}
