import type { Domid } from '@split-driver/abi'

/** Bytes of an absolute and of a relative path. @see xs_wire.h XENSTORE_ABS_PATH_MAX, XENSTORE_REL_PATH_MAX */
export const ABSOLUTE_PATH_MAX_BYTES = 3072
export const RELATIVE_PATH_MAX_BYTES = 2048

const CHARACTERS = /^[A-Za-z0-9\-/_@]+$/

const isWellFormed = (path: string): boolean =>
  path.length <= (path.startsWith('/') ? ABSOLUTE_PATH_MAX_BYTES : RELATIVE_PATH_MAX_BYTES) &&
  CHARACTERS.test(path) &&
  !path.includes('//') &&
  (path === '/' || !path.endsWith('/'))

/** What happens to a domain, as a path that can be watched; its permissions are those of whoever may hear of it (rule 51). */
export const SPECIAL_PATH = { introduceDomain: '@introduceDomain', releaseDomain: '@releaseDomain' } as const

/**
 * The end of one domain, as a path that can be watched at servers that know of a watch's depth.
 * @see docs/misc/xenstore.txt WATCH
 */
export const releasePath = (domid: Domid): string => `${SPECIAL_PATH.releaseDomain}/${domid}`

/** `@introduceDomain`, `@releaseDomain` and their like: names of happenings, not of nodes. */
export const isSpecialPath = (path: string): boolean => path.startsWith('@')

/** May a node be called so, absolutely or relatively? @see docs/misc/xenstore.txt (rule 40) */
export const isNodePath = (path: string): boolean => isWellFormed(path) && !isSpecialPath(path)

/** May this be watched, or its permissions be set: a node's path or a special one. */
export const isWatchPath = (path: string): boolean => isWellFormed(path)

/** Where a domain's relative paths begin. */
export const domainPath = (domid: Domid): string => `/local/domain/${domid}`

/** `path` as seen from the root, for a domain to which relative paths are its own. Special paths stay. */
export const absolutePath = (path: string, domid: Domid): string =>
  path.startsWith('/') || isSpecialPath(path) ? path : `${domainPath(domid)}/${path}`

/** A child of a path, also of the root. */
export const joinPath = (parent: string, ...names: readonly string[]): string =>
  names.length === 0 ? parent : [parent === '/' ? '' : parent, ...names].join('/')

/** The path of the node above, or `undefined` for the root and for a relative path's first component. */
export const parentPath = (path: string): string | undefined => {
  const slash = path.lastIndexOf('/')
  if (path === '/' || slash < 0) return undefined
  return slash === 0 ? '/' : path.slice(0, slash)
}

/** The last component. */
export const leafName = (path: string): string => path.slice(path.lastIndexOf('/') + 1)

/** Is `path` the node `ancestor`, or anywhere below it? Both absolute, or both relative. */
export const isWithin = (path: string, ancestor: string): boolean =>
  path === ancestor || path.startsWith(ancestor === '/' ? '/' : `${ancestor}/`)

/** Is `path` the node `ancestor`, or at most `depth` levels below it? */
export const isWithinDepth = (path: string, ancestor: string, depth: number): boolean => {
  if (!isWithin(path, ancestor)) return false
  if (path === ancestor) return true
  return path.slice(ancestor === '/' ? 1 : ancestor.length + 1).split('/').length <= depth
}
