/**
 * What an unprivileged domain may take of the server, by the original's names and in its order.
 * @see xen/tools/xenstored/domain.c quota_adm
 * @see docs/misc/xenstore.txt GET_QUOTA
 */
export const QUOTA_NAMES = [
  /** Nodes that a domain owns. */
  'nodes',
  'watches',
  /** Requests whose replies a domain has not taken; it is not read from until it has taken some. */
  'outstanding',
  /** Bytes of all that is kept for a domain: its nodes, watches, open transactions, and what it has not taken yet. */
  'memory',
  /** From here on the server warns of a domain. */
  'soft-memory',
  /** Transactions at one time. */
  'transactions',
  /** Nodes that one transaction touches. */
  'transaction-nodes',
  /** Entries of one node's permissions. */
  'node-permissions',
  /** A path's length in bytes, not counting `/local/domain/<domid>/`; it bounds the tree's depth, too. */
  'path-max',
  /** A node's value, permissions and names of children together, in bytes; must stay below this. */
  'node-size',
] as const

export type QuotaName = (typeof QUOTA_NAMES)[number]

/** 0: nothing is checked. */
export type QuotaValues = Record<QuotaName, number>

const MIB = 1024 * 1024

/** The original's. @see xen/tools/xenstored/domain.c quotas (rule 52) */
export const DEFAULT_QUOTAS: Readonly<QuotaValues> = {
  nodes: 1000,
  watches: 128,
  outstanding: 20,
  memory: 2.5 * MIB,
  'soft-memory': 2 * MIB,
  transactions: 10,
  'transaction-nodes': 1024,
  'node-permissions': 5,
  'path-max': 2048,
  'node-size': 2048,
}

/** What the documentation and Xen 4.17 call one of them. */
const OTHER_NAMES: Readonly<Record<string, QuotaName>> = { permissions: 'node-permissions' }

export const quotaNameOf = (text: string): QuotaName | undefined =>
  QUOTA_NAMES.find((name) => name === text) ?? (Object.hasOwn(OTHER_NAMES, text) ? OTHER_NAMES[text] : undefined)
