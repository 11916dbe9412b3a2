import type { ErrnoCode } from '@split-driver/abi'
import { packStrings, unpackTexts } from './body.js'

/** The only names that travel, in the order of xs_wire.h's `xsd_errors`. There is no "EQUOTA". */
export const WIRE_ERRORS = [
  'EINVAL',
  'EACCES',
  'EEXIST',
  'EISDIR',
  'ENOENT',
  'ENOMEM',
  'ENOSPC',
  'EIO',
  'ENOTEMPTY',
  'ENOSYS',
  'EROFS',
  'EBUSY',
  'EAGAIN',
  'EISCONN',
  'E2BIG',
  'EPERM',
] as const satisfies readonly ErrnoCode[]

export type WireError = (typeof WIRE_ERRORS)[number]

const isWireError = (name: string): name is WireError => (WIRE_ERRORS as readonly string[]).includes(name)

/** The name that travels for `code`: itself, or EINVAL for all that has none (rule 39). */
export const wireError = (code: string): WireError => (isWireError(code) ? code : 'EINVAL')

const BODIES = new Map<string, Uint8Array>(WIRE_ERRORS.map((name) => [name, packStrings(name)]))

/** The body of an ERROR reply: the name and its NUL; always the same bytes for one name. */
export const encodeError = (code: string): Uint8Array => BODIES.get(wireError(code))!

/** Which error a reply's body names; EINVAL if it names none. */
export const decodeError = (body: Uint8Array): WireError => wireError(unpackTexts(body)?.[0] ?? '')
