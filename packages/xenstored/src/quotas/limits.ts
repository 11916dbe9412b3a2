/**
 * What an unprivileged domain may take of the server. A count is refused when it has reached its limit already
 * (`>=`, rule 52); the defaults are those of the original.
 * @see xen/tools/xenstored/domain.c hard_quotas
 */
export interface XenstoreLimits {
  /** Nodes that a domain owns. */
  readonly nodes: number
  readonly watches: number
  /** Transactions at one time. */
  readonly transactions: number
  /** Nodes that one transaction touches. */
  readonly transactionNodes: number
  /** A node's value, permissions and names of children together, in bytes; must stay below this. */
  readonly nodeBytes: number
  /** Entries of one node's permissions. */
  readonly permissions: number
  /** A path's length in bytes, not counting `/local/domain/<domid>/`; it bounds the tree's depth, too. */
  readonly pathBytes: number

  /** The following hold for every client, privileged or not. */

  /** Replies that a client has not taken; it is not read from until it has taken some. */
  readonly outstandingReplies: number
  /** Watch events that a client has not taken, in bytes; beyond this a watch's events become one. */
  readonly undeliveredEventBytes: number
  /**
   * How far the tree may move on, in bytes written, under an open transaction, which keeps what it began with alive.
   * One that is left behind further than this ends in EAGAIN.
   */
  readonly transactionDriftBytes: number
}

export const DEFAULT_LIMITS: XenstoreLimits = {
  nodes: 1000,
  watches: 128,
  transactions: 10,
  transactionNodes: 1024,
  nodeBytes: 2048,
  permissions: 5,
  pathBytes: 2048,
  outstandingReplies: 20,
  undeliveredEventBytes: 256 * 1024,
  transactionDriftBytes: 32 * 1024 * 1024,
}
