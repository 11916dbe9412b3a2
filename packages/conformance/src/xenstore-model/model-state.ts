import type { ModelQuotas } from './model-domains.js'

/** One life of a domain. */
export interface Life {
  readonly domid: number
  alive: boolean
  /** What the server offers it. */
  features: number
  readonly quotas: ModelQuotas
  /** Whatever that one may do, so may this. */
  target: Life | undefined
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

  /** Another one whenever the node's value, permissions or children change. */
  versionOf(path: string): string {
    const { stamp, listing } = this.nodes.get(path)!
    return `${stamp}/${listing}`
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

const rights = ({ life, privileged, target }: ModelCaller, permissions: readonly ModelPermission[]): string => {
  const names = (permission: ModelPermission): boolean => permission.life === life || permission.life === target
  if (privileged || names(permissions[0]!)) return 'rwo'
  const entry = permissions.slice(1).find(names) ?? permissions[0]!
  return { n: '', r: 'r', w: 'w', b: 'rw' }[entry.letter]!
}

/** Who asks. */
export interface ModelCaller {
  readonly life: Life
  readonly privileged: boolean
  /** The domain that it may act for. */
  readonly target: Life | undefined
}

/** @param need letters of `r`, `w` and `o` (own); how many of them the caller has */
export const granted = (caller: ModelCaller, node: ModelNode, need: string): number => {
  const has = rights(caller, node.permissions)
  return [...need].filter((right) => has.includes(right)).length
}

/** How many levels `path` lies below `above`; `undefined` if it does not. */
export const levelsBelow = (path: string, above: string): number | undefined => {
  if (path === above) return 0
  const prefix = above === '/' ? '/' : `${above}/`
  return path.startsWith(prefix) ? path.slice(prefix.length).split('/').length : undefined
}
