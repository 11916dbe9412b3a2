/** One life of a domain. */
export interface Life {
  readonly domid: number
  alive: boolean
}

export interface ModelPermission {
  readonly life: Life
  /** `n`, `r`, `w` or `b`. */
  readonly letter: string
}

export interface ModelNode {
  readonly value: string
  readonly permissions: readonly ModelPermission[]
  /** When value or permissions were set. */
  readonly stamp: number
  /** When a child came or went. */
  readonly listing: number
}

export interface ModelEvent {
  readonly path: string
  readonly exact: boolean
}

/** A store as one flat map from paths to nodes, which is copied whole whenever it is to be kept. */
export class ModelState {
  readonly nodes: Map<string, ModelNode>

  constructor(nodes: Iterable<readonly [string, ModelNode]>) {
    this.nodes = new Map(nodes)
  }

  copy(): ModelState {
    return new ModelState(this.nodes)
  }

  /** In the order of creation, which is the map's. */
  childrenOf(path: string): string[] {
    return [...this.nodes.keys()].filter((child) => child !== '/' && child.startsWith('/') && parentOf(child) === path)
  }

  owned(life: Life): number {
    return [...this.nodes.values()].filter(({ permissions }) => permissions[0]!.life === life).length
  }

  /** The path itself if there is a node, else the nearest above that there is. */
  nearest(path: string): string {
    return this.nodes.has(path) ? path : this.nearest(parentOf(path))
  }

  /** The path and those above it that are missing, from above. */
  missing(path: string): string[] {
    return this.nodes.has(path) ? [] : [...this.missing(parentOf(path)), path]
  }

  /** All below a path and itself, children before their parents. */
  subtree(path: string): string[] {
    return [...this.childrenOf(path).flatMap((child) => this.subtree(child)), path]
  }

  put(path: string, node: ModelNode): void {
    if (!this.nodes.has(path)) this.#touchListing(path, node.stamp)
    this.nodes.set(path, node)
  }

  /** Removes a node and all below. @returns what is to be told */
  remove(path: string, stamp: number): ModelEvent[] {
    const gone = this.subtree(path)
    for (const below of gone) this.nodes.delete(below)
    this.#touchListing(path, stamp)
    return gone.map((below) => ({ path: below, exact: below !== path }))
  }

  #touchListing(path: string, stamp: number): void {
    const parent = this.nodes.get(parentOf(path))
    if (parent !== undefined) this.nodes.set(parentOf(path), { ...parent, listing: stamp })
  }
}

/** Above the special paths stands the root. */
export const parentOf = (path: string): string => {
  const slash = path.lastIndexOf('/')
  return slash <= 0 ? '/' : path.slice(0, slash)
}

const rights = (life: Life, privileged: boolean, permissions: readonly ModelPermission[]): string => {
  if (privileged || permissions[0]!.life === life) return 'rwo'
  const entry = permissions.slice(1).find((permission) => permission.life === life) ?? permissions[0]!
  return { n: '', r: 'r', w: 'w', b: 'rw' }[entry.letter]!
}

/** Who asks. */
export interface ModelCaller {
  readonly life: Life
  readonly privileged: boolean
}

/** @param need letters of `r`, `w` and `o` (own); how many of them the caller has */
export const granted = ({ life, privileged }: ModelCaller, node: ModelNode, need: string): number => {
  const has = rights(life, privileged, node.permissions)
  return [...need].filter((right) => has.includes(right)).length
}

/** Does a watch on a path fire? */
export const matches = (watched: string, { path, exact }: ModelEvent): boolean =>
  path === watched || (!exact && (watched === '/' ? path.startsWith('/') : path.startsWith(`${watched}/`)))
