import { type Domid, type Port, XenError } from '@split-driver/abi'
import { absolutePath, type ByteChannel, domainPath, isSpecialPath, isWatchPath } from '@split-driver/xenbus'
import type { Client } from '../client/client.js'
import type { StoreHost } from '../store-host.js'
import type { Watch } from '../watches/watches.js'
import { type StateRecord, UNLIMITED_DEPTH } from './stream/records.js'
import type { SavedState } from './supplement/saved-state.js'
import type { SupplementRecord } from './supplement/supplement-records.js'

type ConnectionRecord = StateRecord & { readonly kind: 'CONNECTION_DATA' }
type WatchRecord = StateRecord & { readonly kind: 'WATCH_DATA' | 'WATCH_DATA_EXTENDED' }
type ConnectionSupplement = SupplementRecord & { readonly kind: 'CONNECTION' }

/** What a server that was saved is to go on with. */
export interface ResumeOptions {
  readonly state: SavedState
  /** The connection behind a descriptor; `undefined` if it is gone. */
  readonly channelOf: (fd: number) => ByteChannel | undefined
}

export interface SavedRing {
  /** The port that its server had. */
  readonly port: Port
  /** The domain's own, of a stream that is ours; 0 if it had closed that. */
  readonly remotePort: Port | undefined
  readonly shutDown: boolean
}

/** How a server takes up who was connected to another. */
export interface ClientTaker {
  takeChannel(channel: ByteChannel, as: { readonly domid: Domid; readonly privileged: boolean }): Client
  /**
   * @returns `undefined` if the domain cannot be served any more: it is told of its end in time
   * @throws XenError EPROTO if it has a ring already
   */
  takeRing(domid: Domid, ring: SavedRing): Client | undefined
}

/**
 * Everybody who was connected, with watches and all that was under way; the store is there already.
 * @returns the clients by the numbers that they have in the stream
 * @throws XenError EPROTO if the state contradicts itself
 */
export const restoreClients = (
  { state: { stream, supplement }, channelOf }: ResumeOptions,
  taker: ClientTaker,
): ReadonlyMap<number, Client> => {
  const more = new Map<number, ConnectionSupplement>()
  for (const record of supplement) if (record.kind === 'CONNECTION') more.set(record.connId, record)
  const clients = new Map<number, Client>()
  const gone = new Set<number>()
  for (const record of stream.records) {
    if (record.kind === 'CONNECTION_DATA') {
      const client = takeClient(record, more.get(record.connId), channelOf, taker)
      if (client === undefined) gone.add(record.connId)
      else clients.set(record.connId, client)
    } else if (record.kind === 'WATCH_DATA' || record.kind === 'WATCH_DATA_EXTENDED') {
      const client = clients.get(record.connId)
      if (client !== undefined) restoreWatch(record, client)
      else if (!gone.has(record.connId)) throw unknown(`watch of connection ${record.connId}, which is not there`)
    }
  }
  return clients
}

const takeClient = (
  { spec, input, output, partialBytes }: ConnectionRecord,
  more: ConnectionSupplement | undefined,
  channelOf: ResumeOptions['channelOf'],
  taker: ClientTaker,
): Client | undefined => {
  const client =
    spec.kind === 'socket'
      ? takeSocket(spec.fd, more, channelOf, taker)
      : taker.takeRing(spec.domid, ringOf(spec.port, more))
  if (more !== undefined) client?.transactions.continueAfter(more.lastTxId)
  client?.restore({ input, partial: output.slice(0, partialBytes), whole: output.slice(partialBytes) })
  return client
}

/** A socket's client is domain 0 if nothing else is known. */
const takeSocket = (
  fd: number,
  more: ConnectionSupplement | undefined,
  channelOf: ResumeOptions['channelOf'],
  taker: ClientTaker,
): Client | undefined => {
  const channel = channelOf(fd)
  const { domid = 0 as Domid, privileged = 1 } = more ?? {}
  return channel && taker.takeChannel(channel, { domid, privileged: privileged === 1 })
}

const ringOf = (port: Port, more: ConnectionSupplement | undefined): SavedRing => ({
  port,
  remotePort: more?.remotePort as Port | undefined,
  shutDown: more?.shutDown === 1,
})

const restoreWatch = (record: WatchRecord, client: Client): void => {
  const { path, token } = record
  addWatch({ path, token, depth: record.kind === 'WATCH_DATA_EXTENDED' ? record.depth : UNLIMITED_DEPTH }, client)
}

/** A watch as it was registered. @throws XenError EPROTO if its path is none */
export const addWatch = ({ path: given, token, depth }: SavedWatch, client: Client): Watch => {
  if (!isWatchPath(given)) throw unknown(`watch at ${given}, which is no path`)
  const relative = !given.startsWith('/') && !isSpecialPath(given)
  return client.watches.add({
    path: absolutePath(given, client.domid),
    token,
    base: relative ? domainPath(client.domid) : undefined,
    depth: depth === UNLIMITED_DEPTH ? undefined : depth,
  })
}

interface SavedWatch {
  readonly path: string
  readonly token: Uint8Array
  readonly depth: number
}

/** Who acts for whom, once all are there. */
export const restoreTargets = ({ stream }: SavedState, { records }: Pick<StoreHost, 'records'>): void => {
  for (const record of stream.records) {
    if (record.kind !== 'CONNECTION_DATA' || record.spec.kind !== 'ring' || record.spec.target === undefined) continue
    records.of(record.spec.domid).target = records.of(record.spec.target)
  }
}

const unknown = (what: string): XenError => new XenError('EPROTO', `state: a ${what}`)
