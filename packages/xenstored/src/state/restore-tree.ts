import type { Domid } from '@split-driver/abi'
import { parentPath } from '@split-driver/xenbus'
import type { DomainRecords } from '../domains/domain-record.js'
import { storedBytes } from '../tree/accounting.js'
import { chargeAccount } from '../tree/store.js'
import { newNode, type Tree } from '../tree/tree.js'
import { type BuiltTree, buildTree, problem, restoredPermissions, type SavedNode } from './build-tree.js'
import type { FoundState } from './journal/journal.js'
import type { JournalEntry } from './journal/journal-entry.js'
import { type RestoredDomains, restoreEntry } from './restore-domains.js'
import { topDown } from './save-nodes.js'
import type { StateRecord } from './stream/records.js'
import type { SavedState } from './supplement/saved-state.js'

/** NODE_DATA of the store that everybody sees. */
export const committedNodes = (records: readonly StateRecord[]): SavedNode[] =>
  records.flatMap((record) => (record.kind === 'NODE_DATA' && record.connId === 0 ? [record] : []))

/**
 * The tree that was found, its nodes charged to their owners.
 * @throws XenError EPROTO if the state contradicts itself
 */
export const restoreTree = (found: FoundState, host: RestoredDomains): Tree => {
  const { records } = host
  const { generation } = found
  const made = { generation, listingGeneration: generation }
  let { tree } = buildTree(committedNodes(found.records), records, () => made)
  for (const { entries } of found.batches) for (const entry of entries) tree = applied(tree, entry, host, generation)
  chargeTree(tree)
  return tree
}

/**
 * The tree that was saved, with the generations that it had if that is known, its nodes charged to their owners.
 * @throws XenError EPROTO if the state contradicts itself
 */
export const restoreSavedTree = (
  { stream, supplement }: SavedState,
  records: DomainRecords,
): BuiltTree & { readonly generation: number } => {
  const saved = committedNodes(stream.records)
  const known = supplement.find((record) => record.kind === 'STORE')
  if (known !== undefined && known.generations.length !== saved.length)
    throw problem('of the supplement', 'is missing, or there are too many')
  // Nobody has seen a generation of a server whose stream says nothing of them, or it had others.
  const { generation, generations } = known ?? { generation: 1, generations: saved.map(() => FIRST) }
  const built = buildTree(saved, records, (index) => generations[index]!)
  chargeTree(built.tree)
  return { ...built, generation }
}

const FIRST = { generation: 1, listingGeneration: 1 }

const chargeTree = (tree: Tree): void => {
  for (const { path, node } of topDown(tree)) chargeAccount(node.permissions[0].domain, 1, storedBytes(path, node))
}

const applied = (tree: Tree, entry: JournalEntry, host: RestoredDomains, generation: number): Tree => {
  const { records } = host
  if (entry.kind === 'DEFAULT_QUOTAS' || entry.kind === 'DOMAIN') {
    restoreEntry(entry, host)
    return tree
  }
  if (entry.kind === 'DIED') {
    records.end(records.of(entry.domid as Domid))
    return tree
  }
  if (entry.kind !== 'SET' && entry.kind !== 'REMOVE') return tree
  const { path } = entry
  const before = tree.get(path)
  if (entry.kind === 'REMOVE') return before === undefined ? tree : tree.delete(path, generation)
  const parent = parentPath(path)
  if (parent !== undefined && tree.get(parent) === undefined) throw problem(path, 'comes before its parent')
  const { value } = entry
  const permissions = restoredPermissions(path, entry.permissions, records)
  return tree.set(path, before ? { ...before, value, permissions } : newNode(value, permissions, generation))
}
