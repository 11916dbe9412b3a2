import { depthOf } from '../../transactions/merge.js'
import type { NodePermissions } from '../../tree/permissions.js'
import type { Tree } from '../../tree/tree.js'
import type { Change } from '../../tree/workspace.js'
import { savedPermissions } from '../save-nodes.js'
import type { JournalEntry } from './journal-entry.js'

const EMPTY = new Uint8Array()

const set = (path: string, value: Uint8Array, permissions: NodePermissions): JournalEntry => ({
  kind: 'SET',
  path,
  value,
  permissions: savedPermissions(permissions),
})

/** What a change to `tree`, which has not happened yet, is as entries of a journal. */
export const stepsOfChange = (tree: Tree, change: Change): JournalEntry[] => {
  const { path } = change
  switch (change.kind) {
    case 'create': {
      const { value, permissions } = change
      return tree.descend(path).missing.map((made) => set(made, made === path ? value : EMPTY, permissions))
    }
    case 'write':
      return [set(path, change.value, tree.get(path)!.permissions)]
    case 'permit':
      return [set(path, tree.get(path)!.value, change.permissions)]
    case 'remove':
      return [{ kind: 'REMOVE', path }]
  }
}

/** What a transaction made of the paths that it touched, in the order in which `merged` does it, which listings show. */
export const stepsOfCommit = (
  after: Tree,
  touched: ReadonlyMap<string, { readonly removed: boolean }>,
): JournalEntry[] => {
  const removed = [...touched].filter(([, path]) => path.removed)
  const parentsFirst = [...touched.keys()].sort((a, b) => depthOf(a) - depthOf(b))
  return [
    ...removed.map(([path]): JournalEntry => ({ kind: 'REMOVE', path })),
    ...parentsFirst.flatMap((path) => {
      const node = after.get(path)
      return node === undefined ? [] : [set(path, node.value, node.permissions)]
    }),
  ]
}
