import type { DomainRecord } from '../domains/domain-record.js'
import { chargeChange } from './accounting.js'
import { namesOf, newNode, overwrite, type Tree } from './tree.js'
import type { Change, NodeEvent, Workspace } from './workspace.js'

const EMPTY = new Uint8Array()

/** What is told after the tree has changed. */
export type ChangeListener = (events: Iterable<NodeEvent>, before: Tree, after: Tree) => void

/** Writes down or tells what happens to a store, before any watch does. */
export interface StoreRecorder {
  change(before: Tree, change: Change): void
  /** @param touched as in `Transaction` */
  commit(after: Tree, touched: Touched): void
}

/** The paths that a transaction touched, in order; `removed` if one was ever removed, be it that it came back. */
export type Touched = ReadonlyMap<string, { readonly removed: boolean }>

export interface StoreOptions {
  /** The last number that was given out before. */
  readonly generation?: number
  readonly recorders?: readonly StoreRecorder[]
}

/** For so many changes it is known who made them. */
const REMEMBERED_CHANGES = 4096

/** The tree that everybody sees. */
export class Store implements Workspace {
  readonly #onChange: ChangeListener
  #tree: Tree
  readonly #recorders: readonly StoreRecorder[]
  /** On whose behalf changes are made now. */
  actor: DomainRecord | undefined
  readonly #actors: (DomainRecord | undefined)[] = Array.from({ length: REMEMBERED_CHANGES })
  #generation: number
  /** Nodes that were last set with a later number are in no tree that somebody keeps. */
  #keptGeneration: number
  #writtenBytes = 0

  constructor(tree: Tree, onChange: ChangeListener, { generation = 0, recorders = [] }: StoreOptions = {}) {
    this.#tree = tree
    this.#onChange = onChange
    this.#generation = generation
    this.#keptGeneration = generation
    this.#recorders = recorders
  }

  /** To look at, now; what is kept is a `snapshot`. */
  get tree(): Tree {
    return this.#tree
  }

  /** The tree as it is, for whoever keeps it: none of its nodes is changed in place from now on. */
  snapshot(): Tree {
    this.#keptGeneration = this.#generation
    return this.#tree
  }

  /** Bytes that all changes so far have taken, roughly: how old a tree is, measured in what it keeps alive. */
  get writtenBytes(): number {
    return this.#writtenBytes
  }

  /** The last number that was given out. */
  get generation(): number {
    return this.#generation
  }

  /** A number that was not given out before. */
  nextGeneration(): number {
    this.#generation += 1
    this.#actors[this.#generation % REMEMBERED_CHANGES] = this.actor
    return this.#generation
  }

  /** On whose behalf the number was given out, if that was not long ago. */
  actorOf(generation: number): DomainRecord | undefined {
    return generation > this.#generation - REMEMBERED_CHANGES
      ? this.#actors[generation % REMEMBERED_CHANGES]
      : undefined
  }

  nodeCount(domain: DomainRecord): number {
    return domain.account.used.nodes
  }

  canHold(domain: DomainRecord, bytes: number): boolean {
    return domain.account.hasMemory(bytes)
  }

  /** Nothing can come between a request outside of a transaction and its answer. */
  observe(): undefined {}

  observeListing(): void {}

  observeSubtree(): void {}

  apply(change: Change, events: readonly NodeEvent[]): void {
    chargeChange(this.#tree, change, chargeAccount)
    for (const recorder of this.#recorders) recorder.change(this.#tree, change)
    if (change.kind === 'write' && this.#overwrite(change, events)) return
    this.#replace(changed(this.#tree, change, this.nextGeneration()), events, costOf(change))
  }

  /** Puts what a transaction made in the place of what there is. @param cost bytes by which they differ */
  commit(tree: Tree, events: Iterable<NodeEvent>, cost: number, touched: Touched): void {
    if (touched.size > 0) for (const recorder of this.#recorders) recorder.commit(tree, touched)
    this.#replace(tree, events, cost)
  }

  /**
   * Most of what is written is written again before anybody keeps a tree with it: then nothing has to be copied, neither the
   * node nor those above it. Who is told of a write looks only at what it leaves as it was.
   * @returns whether the node could be changed in place
   */
  #overwrite({ path, value }: Change & { kind: 'write' }, events: readonly NodeEvent[]): boolean {
    const node = this.#tree.get(path)!
    if (node.generation <= this.#keptGeneration) return false
    overwrite(node, value, this.nextGeneration())
    this.#onChange(events, this.#tree, this.#tree)
    return true
  }

  #replace(tree: Tree, events: Iterable<NodeEvent>, cost: number): void {
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
  return valueBytes + NODE_COPY_BYTES * namesOf(change.path).length
}
