import { parentPath } from '@split-driver/xenbus'
import type { DomainRecord } from '../domains/domain-record.js'
import { bottomUp, entryBytes, type NodeContents, nodeBytes, type Tree } from './tree.js'
import type { Change, Creation } from './workspace.js'

/** By how much more a domain owns: nodes, and bytes of memory that they take. What grows for one domain comes in one call. */
export type Charge = (domain: DomainRecord, nodes: number, bytes: number) => void

/** What one node takes of its owner's memory. @see xen/tools/xenstored/core.c db_write */
export const storedBytes = (path: string, node: NodeContents): number => path.length + nodeBytes(node)

/** What a change to `tree`, which has not happened yet, is going to cost. */
export const chargeChange = (tree: Tree, change: Change, charge: Charge): void => {
  const { path } = change
  switch (change.kind) {
    case 'create':
      chargeCreation(tree, change, charge)
      break
    case 'write': {
      const { value, permissions } = tree.get(path)!
      charge(permissions[0].domain, 0, change.value.length - value.length)
      break
    }
    case 'permit': {
      const node = tree.get(path)!
      const { permissions } = change
      const [before, after] = [storedBytes(path, node), storedBytes(path, { ...node, permissions })]
      chargeMove(node.permissions[0].domain, permissions[0].domain, -before, after, charge)
      break
    }
    case 'remove':
      for (const { path: below, node } of bottomUp(path, tree.get(path)!)) {
        charge(node.permissions[0].domain, -1, -storedBytes(below, node))
      }
      charge(tree.get(parentPath(path) ?? '/')!.permissions[0].domain, 0, -entryBytes(path))
      break
  }
}

const chargeMove = (from: DomainRecord, to: DomainRecord, before: number, after: number, charge: Charge): void => {
  if (from === to) {
    charge(to, 0, before + after)
    return
  }
  charge(from, -1, before)
  charge(to, 1, after)
}

const chargeCreation = (tree: Tree, change: Creation, charge: Charge): void => {
  const { permissions } = change
  const { node: nearest, missing } = tree.descend(change.path)
  const [above, owner] = [nearest.permissions[0].domain, permissions[0].domain]
  const entry = entryBytes(missing[0]!)
  if (above !== owner) charge(above, 0, entry)
  let bytes = above === owner ? entry : 0
  for (const index of missing.keys()) bytes += createdBytes(change, missing, index)
  charge(owner, missing.length, bytes)
}

const NOTHING = new Uint8Array()

/** What one of the nodes takes that come to be by a change: its own, or one of those above it that are missing. */
export const createdBytes = ({ value, permissions }: Creation, missing: readonly string[], index: number): number => {
  const [path, below] = [missing[index]!, missing[index + 1]]
  return below === undefined
    ? storedBytes(path, { value, permissions, listingBytes: 0 })
    : storedBytes(path, { value: NOTHING, permissions, listingBytes: entryBytes(below) })
}

/**
 * What it costs to put `after` in the place of `before`, when they differ in nothing but the paths that were touched.
 * @param touched `removed` if the path was ever removed, with all that was below it
 */
export const chargeMerge = (
  before: Tree,
  after: Tree,
  touched: ReadonlyMap<string, { readonly removed: boolean }>,
  charge: Charge,
): void => {
  const settled = new Set<string>()
  const settle = (path: string): void => {
    if (settled.has(path)) return
    settled.add(path)
    const [old, made] = [before.get(path), after.get(path)]
    if (old !== undefined) charge(old.permissions[0].domain, -1, -storedBytes(path, old))
    if (made !== undefined) charge(made.permissions[0].domain, 1, storedBytes(path, made))
  }
  for (const [path, { removed }] of touched) {
    const old = removed ? before.get(path) : undefined
    if (old !== undefined) for (const { path: below } of bottomUp(path, old)) settle(below)
    settle(path)
    settle(parentPath(path) ?? path)
  }
}
