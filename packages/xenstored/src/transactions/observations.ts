import type { Tree, TreeNode } from '../tree/tree.js'

/** The generation of a node that there is not. */
const ABSENT = -1

const generationOf = (tree: Tree, path: string): number => tree.get(path)?.generation ?? ABSENT

const listingGenerationOf = (tree: Tree, path: string): number => tree.get(path)?.listingGeneration ?? ABSENT

const lastChangeAt = (tree: Tree, path: string): number => {
  const { node, missing } = tree.descend(path)
  return missing.length > 0 ? node.listingGeneration : Math.max(node.generation, node.listingGeneration)
}

/**
 * What a transaction's answers rest on, as it was when the transaction began. A child that comes or goes changes its
 * parent's listing and not its parent, so that two transactions which create different children of one node do not
 * disturb each other (rule 48).
 */
export class Observations {
  readonly #nodes = new Map<string, number>()
  readonly #listings = new Map<string, number>()
  /** Trees share unchanged subtrees: the same object is the same content. */
  readonly #subtrees = new Map<string, TreeNode | undefined>()

  get nodeCount(): number {
    return this.#nodes.size
  }

  hasNode(path: string): boolean {
    return this.#nodes.has(path)
  }

  node(base: Tree, path: string): void {
    this.#nodes.set(path, generationOf(base, path))
  }

  listing(base: Tree, path: string): void {
    this.#listings.set(path, listingGenerationOf(base, path))
  }

  subtree(base: Tree, path: string): void {
    this.#subtrees.set(path, base.get(path))
  }

  /** Would every answer be the same in this tree? */
  holdIn(live: Tree): boolean {
    for (const [path, generation] of this.#nodes) if (generationOf(live, path) !== generation) return false
    for (const [path, generation] of this.#listings) if (listingGenerationOf(live, path) !== generation) return false
    for (const [path, node] of this.#subtrees) if (live.get(path) !== node) return false
    return true
  }

  /** Which change made that an answer would be another; roughly, where it took away what was there. */
  changeIn(live: Tree): number {
    for (const [path, generation] of this.#nodes) {
      if (generationOf(live, path) !== generation) return lastChangeAt(live, path)
    }
    for (const [path, generation] of this.#listings) {
      if (listingGenerationOf(live, path) !== generation) return lastChangeAt(live, path)
    }
    for (const [path, node] of this.#subtrees) if (live.get(path) !== node) return lastChangeAt(live, path)
    return ABSENT
  }

  /** The paths that were observed, in order. */
  paths(): { readonly nodes: string[]; readonly listings: string[]; readonly subtrees: string[] } {
    return {
      nodes: [...this.#nodes.keys()],
      listings: [...this.#listings.keys()],
      subtrees: [...this.#subtrees.keys()],
    }
  }

  clear(): void {
    this.#nodes.clear()
    this.#listings.clear()
    this.#subtrees.clear()
  }
}
