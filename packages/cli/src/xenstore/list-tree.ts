import { XenError } from '@split-driver/abi'
import { formatPermission, type XenStoreOperations } from '@split-driver/xenbus'
import { valueText } from './value-text.js'

export interface ListOptions {
  /** Whole paths in place of indented names. */
  readonly full: boolean
  /** Also who may do what. */
  readonly permissions: boolean
}

/** Nodes below each other at most: no deeper path fits into a message. */
const DEEPEST = 512

/** All below `path`, a line each, as xenstore-ls prints it. What vanishes meanwhile, or may not be read, is left out. */
export async function* listTree(
  store: XenStoreOperations,
  path: string,
  options: ListOptions,
  depth = 0,
): AsyncGenerator<string, void, undefined> {
  if (depth > DEEPEST) return
  for (const name of await childrenOf(store, path, depth === 0)) {
    const child = path.endsWith('/') ? `${path}${name}` : `${path}/${name}`
    const line = await describe(store, child, options)
    if (line === undefined) continue
    yield options.full ? `${child}${line}` : `${' '.repeat(depth)}${name}${line}`
    yield* listTree(store, child, options, depth + 1)
  }
}

const childrenOf = async (store: XenStoreOperations, path: string, isAsked: boolean): Promise<string[]> => {
  try {
    return await store.directory(path)
  } catch (error) {
    if (!isAsked && XenError.is(error, 'ENOENT', 'EACCES')) return []
    throw error
  }
}

const describe = async (
  store: XenStoreOperations,
  path: string,
  { permissions }: ListOptions,
): Promise<string | undefined> => {
  try {
    const value = ` = "${valueText(await store.readBytes(path))}"`
    if (!permissions) return value
    return `${value}   (${(await store.getPermissions(path)).map(formatPermission).join(',')})`
  } catch (error) {
    if (XenError.is(error, 'ENOENT', 'EACCES')) return undefined
    throw error
  }
}
