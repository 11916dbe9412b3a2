import { parentPath, type WireError } from '@split-driver/xenbus'
import type { Caller } from '../domains/domain-record.js'
import { chargeChange } from './accounting.js'
import { Access, accessOf, inherited, type NodePermissions } from './permissions.js'
import { bottomUp, type Descent, entryBytes, nodeBytes, type TreeNode } from './tree.js'
import type { Change, NodeEvent, Workspace } from './workspace.js'

/** Who works on what. */
export interface Work {
  readonly workspace: Workspace
  readonly caller: Caller
}

const EMPTY = new Uint8Array()

const event = (path: string, exact = false): NodeEvent => ({ path, exact })

/** Follows a path and says that the answer will rest on every node that is missing and on the nearest there is. */
const descend = ({ workspace }: Work, path: string): Descent | WireError => {
  const descent = workspace.tree.descend(path)
  for (const missing of descent.missing) {
    const error = workspace.observe(missing)
    if (error !== undefined) return error
  }
  return workspace.observe(descent.path) ?? descent
}

/**
 * The node at `path`, if the caller has all of the access that is `needed`. Where there is none, that is told only to
 * those who have access to the nearest node above; to others it is EACCES (rule 43).
 * @see xen/tools/xenstored/core.c errno_from_parents
 */
export const findNode = (work: Work, path: string, needed: number): TreeNode | WireError => {
  const descent = descend(work, path)
  if (typeof descent === 'string') return descent
  const access = accessOf(work.caller, descent.node.permissions) & needed
  if (descent.missing.length > 0) return access === 0 ? 'EACCES' : 'ENOENT'
  return access === needed ? descent.node : 'EACCES'
}

/** WRITE: creates the node and those above that are missing (rule 41). */
export const writeNode = (work: Work, path: string, value: Uint8Array): WireError | undefined => {
  const node = findNode(work, path, Access.Write)
  if (node === 'ENOENT') return createNode(work, path, value)
  if (typeof node === 'string') return node
  if (!work.caller.privileged && isTooLarge(work, { ...node, value })) return 'ENOSPC'
  return applyAffordable(work, { kind: 'write', path, value })
}

/** MKDIR: a node that exists stays as it is, and nobody is told (rule 41). */
export const makeNode = (work: Work, path: string): WireError | undefined => {
  const node = findNode(work, path, Access.Write)
  if (node === 'ENOENT') return createNode(work, path, EMPTY)
  return typeof node === 'string' ? node : undefined
}

/** RM: a node that is missing is no error if its parent exists (rule 41). */
export const removeNode = (work: Work, path: string): WireError | undefined => {
  const node = findNode(work, path, Access.Write)
  if (node === 'ENOENT') return work.workspace.tree.get(parentPath(path) ?? '/') === undefined ? 'ENOENT' : undefined
  if (typeof node === 'string') return node
  return path === '/' ? 'EINVAL' : removeSubtree(work, path, node)
}

/** Removes what is there, whoever owns it. Of those below, only watches on exactly their path are told (rule 46). */
export const removeSubtree = ({ workspace }: Work, path: string, node: TreeNode): WireError | undefined => {
  const events: NodeEvent[] = []
  for (const { path: below } of bottomUp(path, node)) {
    const error = workspace.observe(below)
    if (error !== undefined) return error
    events.push(event(below, below !== path))
  }
  workspace.observeSubtree(path)
  workspace.apply({ kind: 'remove', path }, events)
  return undefined
}

/** SET_PERMS: the owner's right; to give a node away is the privileged's (rule 42). */
export const permitNode = (work: Work, path: string, permissions: NodePermissions): WireError | undefined => {
  const node = findNode(work, path, Access.Write | Access.Own)
  if (typeof node === 'string') return node
  if (!work.caller.privileged && permissions[0].domain !== node.permissions[0].domain) return 'EPERM'
  if (isTooLarge(work, { ...node, permissions })) return 'ENOSPC'
  return applyAffordable(work, { kind: 'permit', path, permissions })
}

/** The node at `path` and its children's names, each with its NUL. */
export const listNode = (work: Work, path: string): TreeNode | WireError => {
  const node = findNode(work, path, Access.Read)
  if (typeof node !== 'string') work.workspace.observeListing(path)
  return node
}

/** All levels that are missing come into being, and are told of as one (rule 41). */
const createNode = (work: Work, path: string, value: Uint8Array): WireError | undefined => {
  const { workspace, caller } = work
  const { node: nearest, missing } = workspace.tree.descend(path)
  const permissions = inherited(caller, nearest.permissions)
  if (!caller.privileged && !hasRoomForNodes(work, missing.length)) return 'ENOSPC'
  if (outgrown(work, nearest, permissions, missing, value)) return 'ENOSPC'
  return applyAffordable(work, { kind: 'create', path, value, permissions })
}

const hasRoomForNodes = ({ workspace, caller: { domain } }: Work, more: number): boolean => {
  const { account } = domain
  return account.hasRoom('nodes', workspace.nodeCount(domain) - account.used.nodes + more)
}

/** Makes the change and tells of it, unless whoever owns what grows takes too much memory (rule 52). */
const applyAffordable = (work: Work, change: Change): WireError | undefined => {
  if (!work.caller.privileged && !isAffordable(work.workspace, change)) return 'ENOMEM'
  work.workspace.apply(change, [event(change.path)])
  return undefined
}

const isAffordable = (workspace: Workspace, change: Change): boolean => {
  let affordable = true
  chargeChange(workspace.tree, change, (domain, _nodes, bytes) => {
    if (bytes > 0 && !workspace.canHold(domain, bytes)) affordable = false
  })
  return affordable
}

/** Would the nearest node that exists, or one of those to be made, be too large? */
const outgrown = (
  work: Work,
  nearest: TreeNode,
  permissions: NodePermissions,
  missing: readonly string[],
  value: Uint8Array,
): boolean => {
  const made = (bytes: Uint8Array, listingBytes: number) => ({ ...nearest, permissions, value: bytes, listingBytes })
  if (isTooLarge(work, { ...nearest, listingBytes: nearest.listingBytes + entryBytes(missing[0]!) })) return true
  if (missing.slice(1).some((path) => isTooLarge(work, made(EMPTY, entryBytes(path))))) return true
  return isTooLarge(work, made(value, 0))
}

const isTooLarge = ({ caller }: Work, node: Omit<TreeNode, 'children'>): boolean =>
  !caller.privileged && !caller.domain.account.allows('node-size', nodeBytes(node))
