import type { DomainRecord } from '../domains/domain-record.js'
import { chargeChange } from './accounting.js'
import { newNode, type Tree } from './tree.js'
import type { Change, NodeEvent, Workspace } from './workspace.js'

const EMPTY = new Uint8Array()

/** What is told after the tree has changed. */
export type ChangeListener = (events: Iterable<NodeEvent>, before: Tree, after: Tree) => void

/** The tree that everybody sees. */
export class Store implements Workspace {
  readonly #onChange: ChangeListener
  #tree: Tree
  #generation = 0
  #writtenBytes = 0

  constructor(tree: Tree, onChange: ChangeListener) {
    this.#tree = tree
    this.#onChange = onChange
  }

  get tree(): Tree {
    return this.#tree
  }

  /** Bytes that all changes so far have taken, roughly: how old a tree is, measured in what it keeps alive. */
  get writtenBytes(): number {
    return this.#writtenBytes
  }

  /** A number that was not given out before. */
  nextGeneration(): number {
    this.#generation += 1
    return this.#generation
  }

  nodeCount(domain: DomainRecord): number {
    return domain.account.used.nodes
  }

  canHold(domain: DomainRecord, bytes: number): boolean {
    return domain.account.hasMemory(bytes)
  }

  /** Nothing can come between a request outside of a transaction and its answer. */
  observe(): boolean {
    return true
  }

  observeListing(): void {}

  observeSubtree(): void {}

  apply(change: Change, events: readonly NodeEvent[]): void {
    chargeChange(this.#tree, change, chargeAccount)
    this.replace(changed(this.#tree, change, this.nextGeneration()), events, costOf(change))
  }

  /** Puts another tree in this one's place. @param cost bytes by which they differ */
  replace(tree: Tree, events: Iterable<NodeEvent>, cost: number): void {
    const before = this.#tree
    this.#tree = tree
    this.#writtenBytes += cost
    this.#onChange(events, before, tree)
  }
}

export const chargeAccount = ({ account }: DomainRecord, nodes: number, bytes: number): void => {
  if (nodes !== 0) account.add('nodes', nodes)
  if (bytes !== 0) account.add('memory', bytes)
}

export const changed = (tree: Tree, change: Change, generation: number): Tree => {
  const { path } = change
  switch (change.kind) {
    case 'create': {
      const { value, permissions } = change
      return tree.set(path, newNode(value, permissions, generation), newNode(EMPTY, permissions, generation))
    }
    case 'write':
      return tree.set(path, { ...tree.get(path)!, value: change.value, generation })
    case 'permit':
      return tree.set(path, { ...tree.get(path)!, permissions: change.permissions, generation })
    case 'remove':
      return tree.delete(path, generation)
  }
}

/** What copying one node on the way to a change takes, roughly. */
const NODE_COPY_BYTES = 200

/** Bytes of garbage that a change leaves behind in a tree that somebody keeps. */
export const costOf = (change: Change): number => {
  const valueBytes = 'value' in change ? change.value.length : 0
  return valueBytes + NODE_COPY_BYTES * change.path.split('/').length
}
