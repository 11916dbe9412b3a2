import type { DomainRecords } from '../domains/domain-record.js'
import { Tree, type TreeNode } from '../tree/tree.js'
import { problem, restoredPermissions, withChildren } from './build-tree.js'
import { savedPermissions, topDown } from './save-nodes.js'
import { LIVE_TREE, type SupplementRecord } from './supplement/supplement-records.js'

type NodeRecord = SupplementRecord & { readonly kind: 'NODE' }

export const nodesOf = (supplement: readonly SupplementRecord[]): NodeRecord[] =>
  supplement.filter((record) => record.kind === 'NODE')

/**
 * Numbers for the nodes of all trees that somebody keeps. What trees share has one number, so that it is shared again when
 * they are restored: a transaction's conflicts depend on that.
 */
export class TreeNumbers {
  readonly #live: Tree
  readonly #numbers = new Map<TreeNode, number>()
  readonly #records: NodeRecord[] = []

  constructor(live: Tree) {
    this.#live = live
    for (const { node } of topDown(live)) this.#numbers.set(node, this.#numbers.size)
  }

  /** The nodes that are not in the live tree, children first. */
  get records(): readonly NodeRecord[] {
    return this.#records
  }

  of(tree: Tree): number {
    if (tree === this.#live) return LIVE_TREE
    this.#number(tree.top)
    return this.#numbers.get(tree.top)!
  }

  /** Takes the depth from the heap, not from the stack. */
  #number(top: TreeNode): void {
    const open = [{ node: top, children: top.children.entries() }]
    for (let last = open.at(-1); last !== undefined; last = open.at(-1)) {
      const next = last.children.next()
      if (next.done) {
        open.pop()
        this.#add(last.node)
      } else {
        const [, node] = next.value
        if (!this.#numbers.has(node)) open.push({ node, children: node.children.entries() })
      }
    }
  }

  #add(node: TreeNode): void {
    if (this.#numbers.has(node)) return
    const { value, permissions, generation, listingGeneration } = node
    const children = [...node.children.entries()].map(([name, child]) => ({ name, node: this.#numbers.get(child)! }))
    const saved = { value, permissions: savedPermissions(permissions), generation, listingGeneration, children }
    this.#records.push({ kind: 'NODE', ...saved })
    this.#numbers.set(node, this.#numbers.size)
  }
}

/** The other way: trees by the numbers that they were given. */
export class NumberedTrees {
  readonly #live: Tree
  readonly #nodes: TreeNode[]

  /** @param nodes of the live tree, in the order of NODE_DATA */
  constructor(live: Tree, nodes: readonly TreeNode[], saved: readonly NodeRecord[], records: DomainRecords) {
    this.#live = live
    this.#nodes = [...nodes]
    for (const { value, permissions, generation, listingGeneration, children } of saved) {
      this.#nodes.push({
        value,
        permissions: restoredPermissions('of a transaction', permissions, records),
        ...withChildren(children.map(({ name, node }) => [name, this.#node(node)])),
        generation,
        listingGeneration,
      })
    }
  }

  /** @throws XenError EPROTO */
  get(number: number): Tree {
    return number === LIVE_TREE ? this.#live : Tree.of(this.#node(number))
  }

  #node(number: number): TreeNode {
    const node = this.#nodes[number]
    if (node === undefined) throw problem(`number ${number}`, 'is missing')
    return node
  }
}
