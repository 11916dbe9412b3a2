import type { WireError } from '@split-driver/xenbus'
import { entryBytes, newNode, nodeBytes, type Tree } from '../tree/tree.js'

export interface MergeOptions {
  /** Stamped on all that changes. */
  readonly generation: number
  /** May a node become so large, be it that others have given it children meanwhile? */
  allowsNode(bytes: number): boolean
}

export const depthOf = (path: string): number => path.split('/').length

/**
 * `live` with what a transaction made of the paths it touched. Everything that it rested on is the same in `live`, so
 * nothing that it made can be in the way of what others did.
 * @param touched in the order of their creation; `removed` if the path was ever removed, be it that it came back
 */
export const merged = (
  live: Tree,
  own: Tree,
  touched: ReadonlyMap<string, { readonly removed: boolean }>,
  options: MergeOptions,
): Tree | WireError => {
  let tree = live
  for (const [path, { removed }] of touched) {
    if (removed && tree.get(path) !== undefined) tree = tree.delete(path, options.generation)
  }
  const parentsFirst = [...touched.keys()].sort((a, b) => depthOf(a) - depthOf(b))
  for (const path of parentsFirst) {
    const next = withPath(tree, own, path, options)
    if (typeof next === 'string') return next
    tree = next
  }
  return tree
}

const withPath = (tree: Tree, own: Tree, path: string, { generation, allowsNode }: MergeOptions): Tree | WireError => {
  const made = own.get(path)
  if (made === undefined) return tree
  const { node: nearest, missing } = tree.descend(path)
  if (missing.length === 0) {
    const node = { ...nearest, value: made.value, permissions: made.permissions, generation }
    return allowsNode(nodeBytes(node)) ? tree.set(path, node) : 'ENOSPC'
  }
  if (!allowsNode(nodeBytes(nearest) + entryBytes(path))) return 'ENOSPC'
  return tree.set(path, newNode(made.value, made.permissions, generation))
}
