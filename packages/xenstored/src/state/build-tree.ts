import { XenError } from '@split-driver/abi'
import { isSpecialPath, isWatchPath, leafName, parentPath } from '@split-driver/xenbus'
import type { DomainRecords } from '../domains/domain-record.js'
import { noChildren } from '../tree/children.js'
import type { NodePermission, NodePermissions } from '../tree/permissions.js'
import { Tree, type TreeNode } from '../tree/tree.js'
import type { StatePermission } from './stream/permission-list.js'

/** A node as it was saved. */
export interface SavedNode {
  readonly path: string
  readonly value: Uint8Array
  readonly permissions: readonly StatePermission[]
}

/** When a node was last set, and when a child of it last came or went. */
export interface Generations {
  readonly generation: number
  readonly listingGeneration: number
}

export interface BuiltTree {
  readonly tree: Tree
  /** In the order of the saved ones. */
  readonly nodes: readonly TreeNode[]
}

/**
 * A tree of nodes that were saved, parents first.
 * @throws XenError EPROTO if they make none
 */
export const buildTree = (
  saved: readonly SavedNode[],
  records: DomainRecords,
  generationsOf: (index: number) => Generations,
): BuiltTree => {
  const children = childrenOf(saved)
  const nodes: TreeNode[] = []
  for (let index = saved.length - 1; index >= 0; index--) {
    const { path, value, permissions } = saved[index]!
    const below = children[index]!.map((child): [string, TreeNode] => [leafName(saved[child]!.path), nodes[child]!])
    nodes[index] = {
      value,
      permissions: restoredPermissions(path, permissions, records),
      ...withChildren(below),
      ...generationsOf(index),
    }
  }
  return { tree: rooted(saved, nodes), nodes }
}

/** The saved nodes below each, by their places. */
const childrenOf = (saved: readonly SavedNode[]): number[][] => {
  const places = new Map<string, number>()
  const children: number[][] = []
  for (const [index, { path }] of saved.entries()) {
    if (!isWatchPath(path) || !(path.startsWith('/') || isSpecialPath(path))) throw problem(path, 'is no path')
    if (places.has(path)) throw problem(path, 'is there twice')
    const parent = parentPath(path)
    const place = parent === undefined ? undefined : places.get(parent)
    if (parent !== undefined && place === undefined) throw problem(path, 'comes before its parent')
    if (place !== undefined) children[place]!.push(index)
    places.set(path, index)
    children.push([])
  }
  return children
}

const rooted = (saved: readonly SavedNode[], nodes: readonly TreeNode[]): Tree => {
  const root = saved.findIndex(({ path }) => path === '/')
  if (root < 0) throw problem('/', 'is missing')
  let tree = Tree.rooted(nodes[root]!)
  for (const [index, { path }] of saved.entries()) if (isSpecialPath(path)) tree = tree.set(path, nodes[index]!)
  return tree
}

export const withChildren = (entries: Iterable<[string, TreeNode]>): Pick<TreeNode, 'children' | 'listingBytes'> => {
  let children = noChildren<TreeNode>()
  let listingBytes = 0
  for (const [name, node] of entries) {
    children = children.set(name, node)
    listingBytes += name.length + 1
  }
  return { children, listingBytes }
}

export const restoredPermissions = (
  path: string,
  saved: readonly StatePermission[],
  records: DomainRecords,
): NodePermissions => {
  const [owner, ...others] = saved.map(
    ({ domid, kind, stale }): NodePermission => ({ domain: stale ? records.nobody(domid) : records.of(domid), kind }),
  )
  if (owner === undefined) throw problem(path, 'has no owner')
  return [owner, ...others]
}

export const problem = (path: string, what: string): XenError =>
  new XenError('EPROTO', `state: the node ${path} ${what}`, { detail: { path } })
