import { type Domid, XenError } from '@split-driver/abi'
import { isSpecialPath, isWatchPath, parentPath } from '@split-driver/xenbus'
import type { DomainRecords } from '../domains/domain-record.js'
import { storedBytes } from '../tree/accounting.js'
import type { NodePermission, NodePermissions } from '../tree/permissions.js'
import { chargeAccount } from '../tree/store.js'
import { newNode, Tree } from '../tree/tree.js'
import type { FoundState } from './journal/journal.js'
import type { JournalEntry } from './journal/journal-entry.js'
import { topDown } from './save-nodes.js'
import type { StatePermission } from './stream/permission-list.js'

type Placed = Pick<JournalEntry & { kind: 'SET' }, 'path' | 'value' | 'permissions'>

/**
 * The tree that was found, its nodes charged to their owners.
 * @throws XenError EPROTO if the state contradicts itself
 */
export const restoreTree = (found: FoundState, records: DomainRecords): Tree => {
  const restorer = new TreeRestorer(records, found.generation)
  for (const record of found.records) if (record.kind === 'NODE_DATA' && record.connId === 0) restorer.add(record)
  for (const { entries } of found.batches) for (const entry of entries) restorer.apply(entry)
  return restorer.finish()
}

/** Makes a tree of what was saved, and of what happened then, and charges its nodes to their owners. */
class TreeRestorer {
  readonly #records: DomainRecords
  readonly #generation: number
  #tree: Tree | undefined

  /** @param generation stamped on all nodes */
  constructor(records: DomainRecords, generation: number) {
    this.#records = records
    this.#generation = generation
  }

  /** A node that was saved: it was not there yet. */
  add(node: Placed): void {
    if (this.#tree?.get(node.path) !== undefined) throw problem(node.path, 'is there twice')
    this.#set(node)
  }

  apply(entry: JournalEntry): void {
    if (entry.kind === 'DIED') this.#records.end(this.#records.of(entry.domid as Domid))
    else if (entry.kind === 'SET') this.#set(entry)
    else if (this.#tree?.get(entry.path) !== undefined) this.#tree = this.#tree.delete(entry.path, this.#generation)
  }

  finish(): Tree {
    if (this.#tree === undefined) throw problem('/', 'is missing')
    for (const { path, node } of topDown(this.#tree))
      chargeAccount(node.permissions[0].domain, 1, storedBytes(path, node))
    return this.#tree
  }

  #set({ path, value, permissions }: Placed): void {
    if (!isWatchPath(path) || !(path.startsWith('/') || isSpecialPath(path))) throw problem(path, 'is no path')
    const before = this.#tree?.get(path)
    const made = newNode(value, this.#permissions(path, permissions), this.#generation)
    if (path === '/' && this.#tree === undefined) {
      this.#tree = Tree.rooted(made)
      return
    }
    const parent = parentPath(path)
    if (this.#tree === undefined || (parent !== undefined && this.#tree.get(parent) === undefined))
      throw problem(path, 'comes before its parent')
    const node = before === undefined ? made : { ...before, value, permissions: made.permissions }
    this.#tree = this.#tree.set(path, node)
  }

  #permissions(path: string, saved: readonly StatePermission[]): NodePermissions {
    const [owner, ...others] = saved.map((entry): NodePermission => {
      const { domid, kind, stale } = entry
      return { domain: stale ? this.#records.nobody(domid) : this.#records.of(domid), kind }
    })
    if (owner === undefined) throw problem(path, 'has no owner')
    return [owner, ...others]
  }
}

const problem = (path: string, what: string): XenError =>
  new XenError('EPROTO', `state: the node ${path} ${what}`, { detail: { path } })
