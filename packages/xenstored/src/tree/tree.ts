import { joinPath, leafName } from '@split-driver/xenbus'
import { type Children, noChildren } from './children.js'
import type { NodePermissions } from './permissions.js'

/** One node; never changed, only replaced. */
export interface TreeNode {
  readonly value: Uint8Array
  readonly permissions: NodePermissions
  /** In the order of their creation, which is what DIRECTORY shows, as the original in C does. */
  readonly children: Children<TreeNode>
  /** Bytes of the children's names, each with its NUL: the length of DIRECTORY's reply. */
  readonly listingBytes: number
  /** When the value or the permissions were last set: a number that is given out once, so equal means unchanged. */
  readonly generation: number
  /** When a child last came or went. */
  readonly listingGeneration: number
}

export const newNode = (value: Uint8Array, permissions: NodePermissions, generation: number): TreeNode => ({
  value,
  permissions,
  children: noChildren(),
  listingBytes: 0,
  generation,
  listingGeneration: generation,
})

/** Bytes that the original keeps for a node besides what its owner put there, and for each permission. @see core.c */
const NODE_HEADER_BYTES = 24
const PERMISSION_BYTES = 8

/** A node's size as the original counts it against its limit. @see xen/tools/xenstored/core.c calc_node_acc_size */
export const nodeBytes = ({ value, permissions, listingBytes }: Omit<TreeNode, 'children'>): number =>
  NODE_HEADER_BYTES + permissions.length * PERMISSION_BYTES + value.length + listingBytes

/** What a child at `path` takes in its parent's listing: its name and a NUL. */
export const entryBytes = (path: string): number => leafName(path).length + 1

/** Where a path ends in a tree. */
export interface Descent {
  /** The deepest node on the path that there is; the path's own if `missing` is empty. */
  readonly node: TreeNode
  readonly path: string
  /** Paths of the nodes that there are not, from above to the path itself. */
  readonly missing: readonly string[]
}

/** The path that was cut last: a request cuts its own several times. */
const last: { path: string; names: readonly string[] } = { path: '/', names: [''] }

/** `/` is the empty name's node, and `@releaseDomain` stands beside it: both hang from a node that no path names. */
export const namesOf = (path: string): readonly string[] => {
  if (path !== last.path) {
    last.names = path === '/' ? [''] : path.split('/')
    last.path = path
  }
  return last.names
}

const withChild = (parent: TreeNode, name: string, child: TreeNode): TreeNode => {
  const children = parent.children.set(name, child)
  if (children.size === parent.children.size) return { ...parent, children }
  const listingBytes = parent.listingBytes + name.length + 1
  return { ...parent, children, listingBytes, listingGeneration: child.generation }
}

const withoutChild = (parent: TreeNode, name: string, generation: number): TreeNode => ({
  ...parent,
  children: parent.children.delete(name),
  listingBytes: parent.listingBytes - name.length - 1,
  listingGeneration: generation,
})

/**
 * The whole store at one moment. Trees share what did not change between them, so one is kept at no cost, and a subtree
 * in which nothing changed is the same object in both. Paths are absolute and valid, or special.
 */
export class Tree {
  readonly #top: TreeNode

  private constructor(top: TreeNode) {
    this.#top = top
  }

  /** Not even a root. */
  static empty(): Tree {
    return new Tree(newNode(new Uint8Array(), [] as unknown as NodePermissions, 0))
  }

  /** A tree by the node that no path names. */
  static of(top: TreeNode): Tree {
    return new Tree(top)
  }

  /** Nothing but a root. */
  static rooted(root: TreeNode): Tree {
    return new Tree(withChild(newNode(root.value, root.permissions, 0), '', root))
  }

  /** The node that no path names: from it hang the root and the special ones. */
  get top(): TreeNode {
    return this.#top
  }

  get(path: string): TreeNode | undefined {
    let node: TreeNode | undefined = this.#top
    for (const name of namesOf(path)) {
      node = node.children.get(name)
      if (node === undefined) return undefined
    }
    return node
  }

  /** Above a special path that is missing stands the root, as in the original. */
  descend(path: string): Descent {
    const names = namesOf(path)
    let node: TreeNode | undefined = this.#top
    let end = -1
    for (let i = 0; i < names.length; i++) {
      const child: TreeNode | undefined = node.children.get(names[i]!)
      if (child === undefined) return this.#missing(path, i === 0 ? this.get('/')! : node, end, names.slice(i))
      node = child
      end += names[i]!.length + 1
    }
    return { node, path, missing: [] }
  }

  /** Puts `node` at `path`. Its generation is the time of the change; parents that are missing come as `parent`. */
  set(path: string, node: TreeNode, parent = node): Tree {
    const names = namesOf(path)
    const ancestors = this.#ancestors(names, parent)
    return this.#rebuilt(names, ancestors, names.length, node)
  }

  /** Takes away the node at `path`, which exists and is not the root, and all below it. */
  delete(path: string, generation: number): Tree {
    const names = namesOf(path)
    const ancestors = this.#ancestors(names, this.#top)
    const last = names.length - 1
    return this.#rebuilt(names, ancestors, last, withoutChild(ancestors[last]!, names[last]!, generation))
  }

  /** The node above each name. */
  #ancestors(names: readonly string[], missing: TreeNode): TreeNode[] {
    const ancestors = [this.#top]
    for (let i = 0; i < names.length - 1; i++) ancestors.push(ancestors[i]!.children.get(names[i]!) ?? missing)
    return ancestors
  }

  /** @param count how many names lead to `node` */
  #rebuilt(names: readonly string[], ancestors: readonly TreeNode[], count: number, node: TreeNode): Tree {
    let below = node
    for (let i = count - 1; i >= 0; i--) below = withChild(ancestors[i]!, names[i]!, below)
    return new Tree(below)
  }

  /** @param end characters of `path` up to the last node that exists */
  #missing(path: string, node: TreeNode, end: number, names: readonly string[]): Descent {
    const missing: string[] = []
    let at = end
    for (const name of names) {
      at += name.length + 1
      missing.push(path.slice(0, at))
    }
    return { node, path: end > 0 ? path.slice(0, end) : '/', missing }
  }
}

/** A node and where it is. */
export interface PlacedNode {
  readonly path: string
  readonly node: TreeNode
}

/**
 * A node and all below it, children before their parents and in the order of a listing. Takes the depth from the heap,
 * not from the stack: a peer chooses how deep the tree is (S6).
 */
export function* bottomUp(path: string, node: TreeNode): Generator<PlacedNode> {
  const open = [{ path, node, children: node.children.entries() }]
  for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
    const next = top.children.next()
    if (next.done) {
      open.pop()
      yield top
    } else {
      const [name, child] = next.value
      open.push({ path: joinPath(top.path, name), node: child, children: child.children.entries() })
    }
  }
}
