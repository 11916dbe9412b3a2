import { XenError } from '@split-driver/abi'
import type { Client } from '../client/client.js'
import type { StoreHost } from '../store-host.js'
import type { Transaction } from '../transactions/transaction.js'
import type { SupplementRecord } from './supplement/supplement-records.js'
import type { NumberedTrees } from './tree-numbers.js'

/** The transactions that were open, as they were. @throws XenError EPROTO if the state contradicts itself */
export const restoreTransactions = (
  supplement: readonly SupplementRecord[],
  clients: ReadonlyMap<number, Client>,
  trees: NumberedTrees,
  host: Pick<StoreHost, 'transactions' | 'records'>,
): void => {
  const restored: Transaction[] = []
  for (const record of supplement) {
    if (record.kind !== 'TRANSACTION') continue
    const { connId, txId, base, tree, leftBehind, nodeCounts, ...saved } = record
    const client = clients.get(connId)
    // A connection that is gone has taken its transactions with it.
    if (client === undefined) continue
    if (client.transactions.get(txId) !== undefined)
      throw new XenError('EPROTO', `state: transaction ${txId} of connection ${connId} is there twice`)
    const { records } = host
    const counts = nodeCounts.map(
      ({ domid, stale, count }) => [stale ? records.nobody(domid) : records.of(domid), count] as const,
    )
    const own = leftBehind === 1 ? undefined : { base: trees.get(base), tree: trees.get(tree) }
    const transaction = client.transactions.restore(txId, { ...saved, trees: own, nodeCounts: new Map(counts) })
    if (own !== undefined) restored.push(transaction)
  }
  restored.sort((a, b) => b.driftBytes - a.driftBytes)
  for (const transaction of restored) host.transactions.add(transaction)
}
