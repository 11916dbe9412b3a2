import type { WireError } from '@split-driver/xenbus'
import type { DomainRecord } from '../domains/domain-record.js'
import type { NodePermissions } from './permissions.js'
import type { Tree } from './tree.js'

/** Something to tell the watches. */
export interface NodeEvent {
  readonly path: string
  /** Only watches on exactly this path fire: it went away with something above it (rule 46). */
  readonly exact: boolean
}

/** The node is missing; so may be some above it, which come with no value. */
export interface Creation {
  readonly kind: 'create'
  readonly path: string
  readonly value: Uint8Array
  readonly permissions: NodePermissions
}

/** One change to a tree. What it needs to be true of the tree has been found true. */
export type Change =
  | Creation
  | { readonly kind: 'write'; readonly path: string; readonly value: Uint8Array }
  | { readonly kind: 'permit'; readonly path: string; readonly permissions: NodePermissions }
  /** All below it goes too. */
  | { readonly kind: 'remove'; readonly path: string }

/**
 * What a request works on: the store itself, or a transaction's own view of it. The view wants to be told what an answer
 * rests on, since that is what a conflict is about (rule 48).
 */
export interface Workspace {
  readonly tree: Tree
  /** How many nodes the domain owns here. */
  nodeCount(domain: DomainRecord): number
  /** May a node of the domain's take so many bytes more? If not, the request is to fail with ENOMEM. */
  canHold(domain: DomainRecord, bytes: number): boolean
  /**
   * An answer rests on the node at `path`: its value, its permissions, or that there is none.
   * @returns the error to answer with if the transaction touches too much
   */
  observe(path: string): WireError | undefined
  /** An answer rests on which children there are. */
  observeListing(path: string): void
  /** An answer rests on all that is there and below. */
  observeSubtree(path: string): void
  /** Makes one change and tells of it. */
  apply(change: Change, events: readonly NodeEvent[]): void
}
