import { joinPath, leafName } from '@split-driver/xenbus'
import { type Children, noChildren } from './children.js'
import type { NodePermissions } from './permissions.js'

/** One node. Who can be seen by others is never changed, only replaced; see `Store.snapshot`. */
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

/** What of a node counts against a quota. */
export type NodeContents = Pick<TreeNode, 'value' | 'permissions' | 'listingBytes'>

/** Bytes that the original keeps for a node besides what its owner put there, and for each permission. @see core.c */
const NODE_HEADER_BYTES = 24
const PERMISSION_BYTES = 8

/** A node's size as the original counts it against its limit. @see xen/tools/xenstored/core.c calc_node_acc_size */
export const nodeBytes = ({ value, permissions, listingBytes }: NodeContents): number =>
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

const NONE: readonly string[] = []

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

/** Gives a node that nobody else keeps another value, in place. */
export const overwrite = (node: TreeNode, value: Uint8Array, generation: number): void => {
  const own: { -readonly [Key in keyof TreeNode]: TreeNode[Key] } = node
  own.value = value
  own.generation = generation
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
  /** The way that was gone last: a request goes its own several times. */
  #lastPath: string | undefined
  #lastWay: readonly TreeNode[] = []

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
    return this.#way(path)[namesOf(path).length]
  }

  /** Above a special path that is missing stands the root, as in the original. */
  descend(path: string): Descent {
    const names = namesOf(path)
    const way = this.#way(path)
    const found = way.length - 1
    const node = way[found]!
    if (found === names.length) return { node, path, missing: NONE }
    const above = names.slice(0, found).join('/')
    return found === 0
      ? this.#missing(path, this.get('/')!, -1, names)
      : this.#missing(path, node, above.length, names.slice(found))
  }

  /** The top and the nodes that the path leads to, as far as there are any. */
  #way(path: string): readonly TreeNode[] {
    if (path === this.#lastPath) return this.#lastWay
    const way = [this.#top]
    for (const name of namesOf(path)) {
      const child = way.at(-1)!.children.get(name)
      if (child === undefined) break
      way.push(child)
    }
    this.#lastPath = path
    this.#lastWay = way
    return way
  }

  /** Puts `node` at `path`. Its generation is the time of the change; parents that are missing come as `parent`. */
  set(path: string, node: TreeNode, parent = node): Tree {
    return this.#rebuilt(namesOf(path), this.#way(path), namesOf(path).length, node, parent)
  }

  /** Takes away the node at `path`, which exists and is not the root, and all below it. */
  delete(path: string, generation: number): Tree {
    const names = namesOf(path)
    const way = this.#way(path)
    const last = names.length - 1
    return this.#rebuilt(names, way, last, withoutChild(way[last]!, names[last]!, generation), this.#top)
  }

  /** @param count how many names lead to `node`. @param missing in the place of those above it that there are not */
  #rebuilt(names: readonly string[], way: readonly TreeNode[], count: number, node: TreeNode, missing: TreeNode): Tree {
    let below = node
    for (let i = count - 1; i >= 0; i--) below = withChild(way[i] ?? missing, names[i]!, below)
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
