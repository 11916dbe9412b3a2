import type { Domid } from '@split-driver/abi'
import type { Permission, PermissionKind, XenStoreOperations } from '@split-driver/xenbus'

/** What one client asks; each is one change, be it of several nodes, that is there whole or not at all. */
export type KeptChange =
  | { readonly kind: 'write'; readonly path: string; readonly value: string }
  | { readonly kind: 'mkdir' | 'rm'; readonly path: string }
  | { readonly kind: 'permit'; readonly path: string; readonly permissions: readonly Permission[] }
  | { readonly kind: 'transaction'; readonly changes: readonly KeptChange[] }

interface KeptNode {
  readonly value: string
  readonly permissions: string
}

const shown = (permissions: readonly Permission[]): string =>
  permissions.map(({ domid, kind }: { domid: Domid; kind: PermissionKind }) => `${kind} ${domid}`).join(', ')

const DEFAULT = shown([{ domid: 0 as Domid, kind: 'none' }])

/** What is in the part of the store that one client has to itself: an external ledger, never changed, only replaced. */
export class KeptSubtree {
  readonly #top: string
  readonly #nodes: ReadonlyMap<string, KeptNode>

  private constructor(top: string, nodes: ReadonlyMap<string, KeptNode>) {
    this.#top = top
    this.#nodes = nodes
  }

  /** Nothing, not even the node at its top. */
  static empty(top: string): KeptSubtree {
    return new KeptSubtree(top, new Map())
  }

  /** What there is in a store. */
  static async read(store: XenStoreOperations, top: string): Promise<KeptSubtree> {
    const nodes = new Map<string, KeptNode>()
    const visit = async (path: string): Promise<void> => {
      const [value, names, permissions] = await Promise.all([
        store.tryRead(path),
        store.directory(path),
        store.getPermissions(path),
      ])
      nodes.set(path, { value: value ?? '', permissions: shown(permissions) })
      await Promise.all(names.map((name) => visit(`${path}/${name}`)))
    }
    if ((await store.tryRead(top)) !== undefined) await visit(top)
    return new KeptSubtree(top, nodes)
  }

  has(path: string): boolean {
    return this.#nodes.has(path)
  }

  equals(other: KeptSubtree): boolean {
    return this.toString() === other.toString()
  }

  after(change: KeptChange): KeptSubtree {
    if (change.kind === 'transaction') return change.changes.reduce<KeptSubtree>((made, next) => made.after(next), this)
    const nodes = new Map(this.#nodes)
    const { path } = change
    const node = nodes.get(path)
    if (change.kind === 'rm') for (const below of this.#within(path)) nodes.delete(below)
    else if (change.kind === 'permit') nodes.set(path, { ...node!, permissions: shown(change.permissions) })
    else if (node === undefined) this.#create(nodes, path, change.kind === 'write' ? change.value : '')
    else if (change.kind === 'write') nodes.set(path, { ...node, value: change.value })
    return new KeptSubtree(this.#top, nodes)
  }

  toString(): string {
    const lines = [...this.#nodes].map(
      ([path, { value, permissions }]) => `${path} ${value.slice(0, 12)}…${value.length} (${permissions})`,
    )
    return lines.sort().join('; ')
  }

  /** Missing parents come too, and all of them take the permissions of the nearest node that there is. */
  #create(nodes: Map<string, KeptNode>, path: string, value: string): void {
    const missing: string[] = []
    let above = path
    for (; !nodes.has(above) && above.length >= this.#top.length; above = above.slice(0, above.lastIndexOf('/')))
      missing.unshift(above)
    const permissions = nodes.get(above)?.permissions ?? DEFAULT
    for (const made of missing) nodes.set(made, { value: made === path ? value : '', permissions })
  }

  #within(path: string): string[] {
    return [...this.#nodes.keys()].filter((each) => each === path || each.startsWith(`${path}/`))
  }
}
