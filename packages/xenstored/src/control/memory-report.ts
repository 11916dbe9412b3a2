import type { DomainRecord } from '../domains/domain-record.js'
import type { StoreHost } from '../store-host.js'

const COLUMNS = ['domain', 'nodes', 'watches', 'transactions', 'outstanding', 'memory'] as const

const row = (cells: readonly (string | number)[]): string => cells.map((cell) => String(cell).padStart(14)).join('')

const rowOf = ({ domid, account: { used } }: DomainRecord): string =>
  row([domid, used.nodes, used.watches, used.transactions, used.outstanding, used.memory])

/** What is kept for whom, a line for each domain. */
export const memoryReport = ({ records, clients }: StoreHost): string => {
  const known = [...records.all()].sort((a, b) => a.domid - b.domid)
  const total = known.reduce((bytes, { account }) => bytes + account.used.memory, 0)
  const connections = [...clients.all()].length
  return [
    `${known.length} domains, ${connections} connections, ${total} bytes`,
    row(COLUMNS),
    ...known.map(rowOf),
  ].join('\n')
}
