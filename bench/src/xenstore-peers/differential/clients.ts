import { XenStoreOp } from '@split-driver/xenbus'
import type { Operation } from './operation.js'

/** Clients of domain 0, at the socket. */
export const SOCKET_CLIENTS = 3
/** Domains behind rings; their clients follow those of the socket. The stranger is there, too, and is nobody's. */
export const GUESTS: readonly number[] = [1, 2]
/** The domain that comes and goes. */
export const STRANGER = 3

export const domidOf = (client: number): number => GUESTS[client - SOCKET_CLIENTS] ?? 0

/** Types whose body begins with the path of a node. */
export const ofPath: readonly number[] = [
  XenStoreOp.Read,
  XenStoreOp.Write,
  XenStoreOp.Directory,
  XenStoreOp.DirectoryPart,
  XenStoreOp.Mkdir,
  XenStoreOp.Rm,
  XenStoreOp.GetPerms,
  XenStoreOp.SetPerms,
]

/** The body's strings, with what follows the last NUL as one more if there is anything. */
export const stringsOf = (body: Uint8Array): string[] => {
  const parts = Buffer.from(body).toString('latin1').split('\0')
  return parts.at(-1) === '' ? parts.slice(0, -1) : parts
}

/** A client's relative path begins at its domain's home. */
export const absolute = (client: number, path: string): string =>
  /^[/@]/.test(path) ? path : `/local/domain/${domidOf(client)}/${path}`

/** Rule 40: no path is longer. */
const MOST_BYTES = 3072

/** Which node an operation is about, if it is about one that can be. */
export function nodeOf({ client, type, body }: Operation): string | undefined {
  const [text] = stringsOf(body)
  if (!ofPath.includes(type) || text === undefined || text === '') return undefined
  const path = absolute(client, text)
  const valid = path === '/' || /^(@|\/)[\w\-@]+(\/[\w\-@]+)*$/.test(path)
  return valid && path.length <= MOST_BYTES ? path : undefined
}

/** Above the special paths stands the root. */
export const parentOf = (path: string): string => path.slice(0, Math.max(path.lastIndexOf('/'), 0)) || '/'

/** The path and those above it, from the root on. */
export const wayTo = (path: string): string[] => (path === '/' ? ['/'] : [...wayTo(parentOf(path)), path])
