import type { Domid } from '@split-driver/abi'

/** What a domain may do with a node; on the wire `n`, `r`, `w` or `b` and the domid. */
export type PermissionKind = 'none' | 'read' | 'write' | 'both'

export interface Permission {
  readonly domid: Domid
  readonly kind: PermissionKind
}
