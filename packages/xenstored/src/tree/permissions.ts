import type { Permission, PermissionKind, WireError } from '@split-driver/xenbus'
import type { Caller, DomainRecord, DomainRecords } from '../domains/domain-record.js'

/** As `Permission`, but of one life of a domain in place of a number that may be used again. */
export interface NodePermission {
  readonly domain: DomainRecord
  readonly kind: PermissionKind
}

/** The first entry names the owner and, by its kind, what everybody may do who is not named (rule 42). */
export type NodePermissions = readonly [NodePermission, ...NodePermission[]]

/** What a caller may do with a node, or needs to: bits. */
export const Access = { None: 0, Read: 1, Write: 2, Own: 4 } as const

const ALL = Access.Read | Access.Write | Access.Own

const BITS: Readonly<Record<PermissionKind, number>> = {
  none: Access.None,
  read: Access.Read,
  write: Access.Write,
  both: Access.Read | Access.Write,
}

/**
 * The first entry that names the caller, or the domain that it acts for, decides (rule 42); entries of the dead decide
 * nothing (rule 53).
 * @see xen/tools/xenstored/core.c perm_for_conn
 */
export const accessOf = ({ domain, privileged }: Caller, permissions: NodePermissions): number => {
  if (privileged || isNamed(permissions[0], domain)) return ALL
  for (let i = 1; i < permissions.length; i++) {
    const permission = permissions[i]!
    if (isNamed(permission, domain)) return BITS[permission.kind]
  }
  return BITS[permissions[0].kind]
}

const isNamed = ({ domain }: NodePermission, caller: DomainRecord): boolean =>
  domain === caller || (caller.target !== undefined && domain === caller.target)

export const mayRead = (caller: Caller, permissions: NodePermissions): boolean =>
  (accessOf(caller, permissions) & Access.Read) !== 0

/** A new node takes its parent's permissions; an unprivileged creator becomes its owner (rule 42). */
export const inherited = ({ domain, privileged }: Caller, parent: NodePermissions): NodePermissions =>
  privileged || parent[0].domain === domain ? parent : [{ domain, kind: parent[0].kind }, ...others(parent)]

const others = ([, ...entries]: NodePermissions): NodePermission[] => entries

/**
 * @returns EINVAL if there is no entry, hence no owner; ENOENT if the owner does not exist. Other entries that name nobody
 *   are void.
 * @see xen/tools/xenstored/domain.c domain_alloc_permrefs
 */
export const resolvePermissions = (
  permissions: readonly Permission[],
  records: DomainRecords,
  privileged: boolean,
): NodePermissions | WireError => {
  const [first, ...others] = permissions
  if (first === undefined) return 'EINVAL'
  const owner = records.find(first.domid, privileged)
  if (owner === undefined) return 'ENOENT'
  const rest = others.map(({ domid, kind }) => ({
    domain: records.find(domid, privileged) ?? records.nobody(domid),
    kind,
  }))
  return [{ domain: owner, kind: first.kind }, ...rest]
}

/** What GET_PERMS shows: the dead are gone from it. */
export const livingPermissions = (permissions: NodePermissions): Permission[] =>
  permissions
    .filter(({ domain }, index) => index === 0 || domain.alive)
    .map(({ domain, kind }) => ({ domid: domain.domid, kind }))
