import { isWatchPath } from '@split-driver/xenbus'
import type { DomainRecord } from '../domains/domain-record.js'
import type { CountedQuota } from '../quotas/domain-account.js'
import type { StoreHost } from '../store-host.js'
import { storedBytes } from '../tree/accounting.js'
import { INTRODUCE_DOMAIN, RELEASE_DOMAIN } from '../tree/initial-tree.js'
import { bottomUp, type PlacedNode } from '../tree/tree.js'
import { watchBytes } from '../watches/client-watches.js'

/** What is counted anew, to be compared with what was kept. */
class Recount {
  readonly faults: string[] = []
  readonly #counts = new Map<DomainRecord, Record<CountedQuota, number>>()

  add(domain: DomainRecord, name: CountedQuota, count: number): void {
    const none = { nodes: 0, watches: 0, outstanding: 0, memory: 0, transactions: 0 }
    const counts = this.#counts.get(domain) ?? none
    counts[name] += count
    this.#counts.set(domain, counts)
  }

  compare(domains: Iterable<DomainRecord>): void {
    for (const domain of new Set([...domains, ...this.#counts.keys()])) {
      const used = domain.account.used
      for (const name of Object.keys(used) as CountedQuota[]) {
        const found = this.#counts.get(domain)?.[name] ?? 0
        if (found !== used[name])
          this.faults.push(`domain ${domain.domid} is said to have ${used[name]} of ${name}, and has ${found}`)
      }
    }
  }
}

/** Everything that must be true of a server between two requests, counted anew. @returns what is not, in plain words */
export const findFaults = (host: StoreHost): string[] => {
  const recount = new Recount()
  countNodes(host, recount)
  countClients(host, recount)
  recount.compare(host.records.all())
  return recount.faults
}

const countNodes = ({ store, records }: StoreHost, recount: Recount): void => {
  const living = new Set(records.all())
  for (const root of ['/', INTRODUCE_DOMAIN, RELEASE_DOMAIN]) {
    const top = store.tree.get(root)
    if (top === undefined) {
      recount.faults.push(`${root} is missing`)
      continue
    }
    for (const placed of bottomUp(root, top)) {
      const { path, node } = placed
      const owner = node.permissions[0].domain
      if (!living.has(owner)) recount.faults.push(`${path} is owned by domain ${owner.domid}, which is unknown`)
      recount.faults.push(...nodeFaults(placed))
      recount.add(owner, 'nodes', 1)
      recount.add(owner, 'memory', storedBytes(path, node))
    }
  }
}

const nodeFaults = ({ path, node }: PlacedNode): string[] => {
  const faults: string[] = []
  if (!isWatchPath(path)) faults.push(`${path} is no valid path`)
  let bytes = 0
  let count = 0
  for (const [name, child] of node.children.entries()) {
    bytes += name.length + 1
    count += 1
    if (node.children.get(name) !== child) faults.push(`${path} lists ${name}, and does not find it`)
  }
  if (count !== node.children.size)
    faults.push(`${path} is said to have ${node.children.size} children, and has ${count}`)
  if (bytes !== node.listingBytes) faults.push(`${path} is said to list ${node.listingBytes} bytes, and lists ${bytes}`)
  return faults
}

const countClients = ({ clients, watches }: StoreHost, recount: Recount): void => {
  let count = 0
  for (const client of clients.all()) {
    const { domain } = client.caller
    for (const watch of client.watches.all()) {
      count += 1
      recount.add(domain, 'watches', 1)
      recount.add(domain, 'memory', watchBytes(watch.path, watch.token))
      if (!watches.has(watch)) recount.faults.push(`a watch of connection ${client.id} at ${watch.path} never fires`)
    }
    for (const [, transaction] of client.transactions.all()) {
      recount.add(domain, 'transactions', 1)
      recount.add(domain, 'memory', transaction.heldBytes)
    }
    recount.add(domain, 'outstanding', client.pendingReplies)
    recount.add(domain, 'memory', client.pendingBytes)
  }
  if (count !== watches.size) recount.faults.push(`${watches.size} watches fire, and ${count} are somebody’s`)
}
