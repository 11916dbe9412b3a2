import type { Domid, Port } from '@split-driver/abi'
import { concatBytes } from '@split-driver/xenbus'
import type { Client } from '../../client/client.js'
import type { IntroducedDomain } from '../../domains/introduced-domain.js'
import type { RingProgress } from '../../transport/kept-ring.js'
import type { Watch } from '../../watches/watches.js'
import { UNLIMITED_DEPTH } from '../stream/records.js'
import type { JournalEntry } from './journal-entry.js'

const NOTHING = new Uint8Array()

/** All who are served through a ring, as a journal has them that begins now. */
export const saveRings = (introduced: Iterable<IntroducedDomain>): JournalEntry[] => {
  const domains = [...introduced].filter(({ ports }) => ports !== undefined)
  return [...domains.flatMap(domainEntries), ...domains.flatMap(targetEntries)]
}

/** How it comes that a domain is served; `remotePort` is its own end of the channel. */
export interface Introduction extends Pick<IntroducedDomain, 'record' | 'uuid' | 'isShutDown'> {
  readonly remotePort: Port | undefined
}

export const introducedEntry = ({ record, remotePort, uuid, isShutDown }: Introduction): JournalEntry => ({
  kind: 'INTRODUCED',
  domid: record.domid,
  shutDown: isShutDown ? 1 : 0,
  remotePort: remotePort ?? 0,
  uuid: uuid ?? '',
})

/** No path has so many levels as the largest depth: it is all the same. */
export const watchEntry = (domid: Domid, watch: Watch): JournalEntry => ({
  kind: 'WATCH',
  domid,
  depth: watch.depth === undefined ? UNLIMITED_DEPTH : Math.min(watch.depth, UNLIMITED_DEPTH - 1),
  path: watch.shown(watch.path),
  token: watch.token,
})

/** What the client still waits for stands behind what its ring has to send. */
export const ringEntry = (client: Client, { received, sent, output }: RingProgress): JournalEntry => {
  const { input, partial, whole } = client.save(NOTHING)
  const { lastId: lastTxId } = client.transactions
  const transactions = [...client.transactions.all()].map(([id]) => id)
  const all = concatBytes(output, partial, whole)
  return { kind: 'RING', domid: client.domid, received, sent, lastTxId, transactions, input, output: all }
}

export const emptyRing = (domid: Domid, { received, sent }: RingProgress): JournalEntry => ({
  ...{ kind: 'RING', domid, received, sent, lastTxId: 0, transactions: [] },
  ...{ input: NOTHING, output: NOTHING },
})

const domainEntries = (domain: IntroducedDomain): JournalEntry[] => {
  const { client, progress, record } = domain
  if (client === undefined || progress === undefined) return []
  const watches = [...client.watches.all()].map((watch) => watchEntry(record.domid, watch))
  return [introducedEntry(domain), ...watches, ringEntry(client, progress)]
}

const targetEntries = ({ record: { domid, target } }: IntroducedDomain): JournalEntry[] =>
  target === undefined ? [] : [{ kind: 'TARGET', domid, target: target.domid }]
