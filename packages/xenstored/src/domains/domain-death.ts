import { joinPath } from '@split-driver/xenbus'
import { INTRODUCE_DOMAIN, RELEASE_DOMAIN } from '../tree/initial-tree.js'
import { removeSubtree } from '../tree/node-operations.js'
import type { NodePermissions } from '../tree/permissions.js'
import type { Store } from '../tree/store.js'
import type { PlacedNode, Tree } from '../tree/tree.js'
import type { Caller, DomainRecord } from './domain-record.js'

/** What nobody can remove. */
const PERMANENT: ReadonlySet<string> = new Set(['/', INTRODUCE_DOMAIN, RELEASE_DOMAIN])

/**
 * Removes what a domain owned, with all that is below (rule 53). Entries that name it in other nodes' permissions need not
 * be looked for: they name this life of it, and are void.
 * @param control to whom falls what cannot be removed
 */
export const removeEstate = (store: Store, dead: DomainRecord, control: Caller): void => {
  for (const { path, node } of estate(store.tree, dead)) {
    if (PERMANENT.has(path)) {
      const [{ kind }, ...others] = node.permissions
      const permissions: NodePermissions = [{ domain: control.domain, kind }, ...others]
      store.apply({ kind: 'permit', path, permissions }, [{ path, exact: false }])
    } else {
      removeSubtree({ workspace: store, caller: control }, path, store.tree.get(path)!)
    }
    if (dead.account.used.nodes === 0) return
  }
}

/** From above, in the order of listings: each node that the domain owns and that is not below another such node which goes. */
function* estate(tree: Tree, owner: DomainRecord): Generator<PlacedNode> {
  if (owner.account.used.nodes === 0) return
  const open: PlacedNode[] = [...PERMANENT].reverse().map((path) => ({ path, node: tree.get(path)! }))
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { path, node } = next
    const owned = node.permissions[0].domain === owner
    if (owned) yield next
    if (owned && !PERMANENT.has(path)) continue
    const children = [...node.children.entries()].reverse()
    for (const [name, child] of children) open.push({ path: joinPath(path, name), node: child })
  }
}
