/**
 * What an unprivileged domain may take of the server, by the original's names and in its order.
 * @see xen/tools/xenstored/domain.c quota_adm
 * @see docs/misc/xenstore.txt GET_QUOTA
 */
export const QUOTA_NAMES = [
  'nodes',
  'watches',
  'outstanding',
  'memory',
  'soft-memory',
  'transactions',
  'transaction-nodes',
  'node-permissions',
  'path-max',
  'node-size',
] as const

export type QuotaName = (typeof QUOTA_NAMES)[number]

/** What each bounds, for people. */
export const QUOTA_MEANINGS: Readonly<Record<QuotaName, string>> = {
  nodes: 'nodes that a domain owns',
  watches: 'watches of a domain',
  outstanding: 'requests whose replies a domain has not taken',
  /** Its nodes, watches, open transactions, and what it has not taken yet. */
  memory: 'bytes that are kept for a domain; no more are given',
  'soft-memory': 'bytes that are kept for a domain; more are warned of',
  transactions: 'open transactions of a domain',
  'transaction-nodes': 'nodes that a transaction touches',
  'node-permissions': 'permissions of a node',
  /** Not counting `/local/domain/<domid>/`. It bounds the tree's depth, too. */
  'path-max': "bytes of a node's path",
  /** Its value, permissions and names of children together; must stay below this. */
  'node-size': 'bytes of a node',
}

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
