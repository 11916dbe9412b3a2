import { DOMID_FIRST_RESERVED, type Domid, domid } from '@split-driver/abi'
import type { Permission, PermissionKind } from '../permission.js'

const LETTERS = { none: 'n', read: 'r', write: 'w', both: 'b' } as const satisfies Record<PermissionKind, string>

const KINDS = new Map<string, PermissionKind>(
  (Object.keys(LETTERS) as PermissionKind[]).map((kind) => [LETTERS[kind], kind]),
)

const SHAPE = /^([nrwb])(0|[1-9][0-9]{0,4})$/

/** `n0`, `r5`: as a permission travels. @see docs/misc/xenstore.txt SET_PERMS */
export const formatPermission = ({ domid, kind }: Permission): string => `${LETTERS[kind]}${domid}`

/** @returns `undefined` unless the text is a letter and the decimal number of a real domain */
export const parsePermission = (text: string): Permission | undefined => {
  const [, letter, digits] = SHAPE.exec(text) ?? []
  const kind = KINDS.get(letter ?? '')
  const number = Number(digits)
  return kind === undefined || number >= DOMID_FIRST_RESERVED ? undefined : { domid: domid(number) as Domid, kind }
}
