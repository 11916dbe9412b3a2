import { joinPath } from '@split-driver/xenbus'
import { INTRODUCE_DOMAIN, RELEASE_DOMAIN } from '../tree/initial-tree.js'
import type { NodePermissions } from '../tree/permissions.js'
import type { PlacedNode, Tree } from '../tree/tree.js'
import type { StatePermission } from './stream/permission-list.js'
import type { StateRecord } from './stream/records.js'

export const savedPermissions = (permissions: NodePermissions): StatePermission[] =>
  permissions.map(({ domain, kind }) => ({ domid: domain.domid, kind, stale: !domain.alive }))

/** All nodes, parents first and in the order of listings, the special ones last. */
export function* topDown(tree: Tree): Generator<PlacedNode> {
  const open: PlacedNode[] = [{ path: '/', node: tree.get('/')! }]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    yield next
    const { path, node } = next
    const children = [...node.children.entries()]
    for (let i = children.length - 1; i >= 0; i--) {
      const [name, child] = children[i]!
      open.push({ path: joinPath(path, name), node: child })
    }
  }
  for (const path of [RELEASE_DOMAIN, INTRODUCE_DOMAIN]) {
    const node = tree.get(path)
    if (node !== undefined) yield { path, node }
  }
}

/** NODE_DATA of the store that everybody sees. */
export function* saveNodes(tree: Tree): Generator<StateRecord> {
  for (const { path, node } of topDown(tree)) {
    const { value } = node
    yield {
      kind: 'NODE_DATA',
      connId: 0,
      txId: 0,
      access: 0,
      path,
      value,
      permissions: savedPermissions(node.permissions),
    }
  }
}
