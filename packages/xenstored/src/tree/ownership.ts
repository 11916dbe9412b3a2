import type { DomainRecord } from '../domains/domain-record.js'
import { bottomUp, type Tree } from './tree.js'
import type { Change } from './workspace.js'

/** By how much a change to `tree`, which has not happened yet, changes the number of nodes that each domain owns. */
export const forEachOwner = (tree: Tree, change: Change, add: (domain: DomainRecord, count: number) => void): void => {
  const { path } = change
  switch (change.kind) {
    case 'create':
      add(change.permissions[0].domain, tree.descend(path).missing.length)
      break
    case 'permit':
      add(tree.get(path)!.permissions[0].domain, -1)
      add(change.permissions[0].domain, 1)
      break
    case 'remove':
      for (const { node } of bottomUp(path, tree.get(path)!)) add(node.permissions[0].domain, -1)
      break
    case 'write':
      break
  }
}
