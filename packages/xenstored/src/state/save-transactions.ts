import type { Client } from '../client/client.js'
import type { SupplementRecord } from './supplement/supplement-records.js'
import type { TreeNumbers } from './tree-numbers.js'

type TransactionRecord = SupplementRecord & { readonly kind: 'TRANSACTION' }

/**
 * Open transactions, after the nodes that only they see. They stand in the supplement alone: the original in C takes a
 * pending NODE_DATA for a committed one, and forgets transactions itself.
 * @see xen/tools/xenstored/core.c read_state_node, lu.c lu_read_state
 */
export function* saveTransactions(clients: Iterable<Client>, numbers: TreeNumbers): Generator<SupplementRecord> {
  const transactions: TransactionRecord[] = []
  for (const client of clients) {
    for (const [txId, transaction] of client.transactions.all()) {
      const { trees, nodeCounts, ...saved } = transaction.save()
      transactions.push({
        kind: 'TRANSACTION',
        connId: client.id,
        txId,
        base: trees === undefined ? 0 : numbers.of(trees.base),
        tree: trees === undefined ? 0 : numbers.of(trees.tree),
        leftBehind: trees === undefined ? 1 : 0,
        reserved: 0,
        ...saved,
        nodeCounts: [...nodeCounts].map(([{ domid, alive }, count]) => ({ domid, stale: !alive, count })),
      })
    }
  }
  yield* numbers.records
  yield* transactions
}
