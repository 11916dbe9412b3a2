import { DOMID_FIRST_RESERVED, type Domid, type FrameNumber } from '@split-driver/abi'
import { isNodePath, isWatchPath, toText, unpackStrings } from '@split-driver/xenbus'
import type { Client } from '../client/client.js'

/** The body's one string, which its only NUL ends. */
export const onlyString = (body: Uint8Array): string | undefined =>
  body.length > 0 && body.indexOf(0) === body.length - 1 ? toText(body.subarray(0, -1)) : undefined

/** The body's strings. What follows the last NUL is reserved, and not looked at. @see docs/misc/xenstore.txt */
export const stringsOf = (body: Uint8Array): Uint8Array[] =>
  unpackStrings(body.subarray(0, body.lastIndexOf(0) + 1)) ?? []

/** A number in decimal digits, or NaN. */
export const decimal = (text: Uint8Array | string | undefined): number => {
  const digits = text instanceof Uint8Array ? toText(text) : text
  return digits !== undefined && /^[0-9]{1,10}$/.test(digits) ? Number(digits) : Number.NaN
}

/** A frame's number, which travels as a signed decimal. @see docs/misc/xenstore.txt INTRODUCE */
export const frameOf = (text: Uint8Array | undefined): FrameNumber | undefined => {
  const digits = text && toText(text)
  return digits !== undefined && /^-?[0-9]{1,10}$/.test(digits) ? ((Number(digits) >>> 0) as FrameNumber) : undefined
}

/** A real domain's number. */
export const domidOf = (text: Uint8Array | string | undefined): Domid | undefined => {
  const number = decimal(text)
  return number < DOMID_FIRST_RESERVED ? (number as Domid) : undefined
}

/** The absolute path of a node that the client names. */
export const nodePath = (client: Client, path: string | undefined): string | undefined =>
  path !== undefined && isNodePath(path) ? client.absolute(path) : undefined

/** As `nodePath`, or a special path. */
export const watchPath = (client: Client, path: string | undefined): string | undefined =>
  path !== undefined && isWatchPath(path) ? client.absolute(path) : undefined
