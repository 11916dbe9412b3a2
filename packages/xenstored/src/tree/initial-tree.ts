import type { DomainRecord } from '../domains/domain-record.js'
import { chargeMerge } from './accounting.js'
import { chargeAccount } from './store.js'
import { newNode, Tree, type TreeNode } from './tree.js'

/** Their permissions say who is told that a domain came, or went (rule 51). */
export const INTRODUCE_DOMAIN = '@introduceDomain'
export const RELEASE_DOMAIN = '@releaseDomain'

const PATHS = ['/', '/tool', '/tool/xenstored', INTRODUCE_DOMAIN, RELEASE_DOMAIN] as const

/**
 * What a fresh store holds, all of it the control domain's and hidden from others. Toolstacks make the rest (`/local`,
 * `/vm` and so on).
 * @see xen/tools/xenstored/core.c setup_structure
 */
export const initialTree = (owner: DomainRecord): Tree => {
  const node = (): TreeNode => newNode(new Uint8Array(), [{ domain: owner, kind: 'none' }], 0)
  const tree = PATHS.reduce((made, path) => made.set(path, node()), Tree.rooted(node()))
  const touched = new Map(PATHS.map((path) => [path, { removed: false }]))
  chargeMerge(Tree.empty(), tree, touched, chargeAccount)
  return tree
}
