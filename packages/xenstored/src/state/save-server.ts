import type { Domid, Port } from '@split-driver/abi'
import { type ByteChannel, concatBytes } from '@split-driver/xenbus'
import type { Client } from '../client/client.js'
import { OFFERED_FEATURES } from '../domains/domain-record.js'
import type { IntroducedDomain } from '../domains/introduced-domain.js'
import type { StoreHost } from '../store-host.js'
import type { AcceptedChannel } from '../transport/accepted-channel.js'
import { DurableChannel } from './journal/durable-channel.js'
import { savedQuotas } from './save-domains.js'
import { saveNodes, topDown } from './save-nodes.js'
import { saveTransactions } from './save-transactions.js'
import { saveWatch } from './save-watch.js'
import type { ConnectionSpec } from './stream/connection-spec.js'
import { LATEST_VERSION, type StateRecord } from './stream/records.js'
import { writeSavedState } from './supplement/saved-state.js'
import type { SupplementRecord } from './supplement/supplement-records.js'
import { TreeNumbers } from './tree-numbers.js'

const NOTHING = new Uint8Array()

export interface SaveOptions {
  /** The descriptor by which a connection is found again; one that has none is not saved. */
  readonly fdOf?: (channel: ByteChannel) => number | undefined
  /** The sockets that accept connections. */
  readonly listeners?: readonly { readonly fd: number; readonly path: string }[]
  /** The descriptor by which ports are bound, if they outlive this program. */
  readonly evtchnFd?: number | undefined
  /** Of the stream; the lowest that has room for all unless given. What it has no room for is in the supplement alone. */
  readonly version?: number | undefined
  /** A reply that is to be sent by whoever goes on: "OK" if it comes to that. */
  readonly reply?: { readonly client: Client; readonly message: Uint8Array } | undefined
}

export interface ServedClients {
  readonly accepted: Iterable<AcceptedChannel>
  readonly introduced: Iterable<IntroducedDomain>
  readonly controlDomid: Domid
}

interface SavedClient {
  readonly client: Client
  readonly spec: ConnectionSpec
  /** What the channel holds and would be lost with this process. */
  readonly taken: Uint8Array
  /** What the channel has taken of what the client is to be sent, and not sent. */
  readonly unsent: Uint8Array
  readonly remotePort: number
  readonly shutDown: boolean
}

/** Bytes of a connection's input that a stream has room for. */
const INPUT_LIMIT = 0xffff

/** Channels give what they hold at once if there is room for it. */
const PIECE_BYTES = 8192

/**
 * All that a server is, as bytes. By the document's first version unless something in it needs the second: that is what
 * most can read.
 */
export const saveServer = (host: StoreHost, served: ServedClients, options: SaveOptions): Uint8Array => {
  const clients = [...savedClients(served, options)]
  const supplement = [...supplementOf(host, clients, options)]
  const watches = clients.flatMap(({ client }) => [...client.watches.all()])
  const domains = [...host.records.all()]
  const needsLatest =
    watches.some(({ depth }) => depth !== undefined) || domains.some(({ features }) => features !== OFFERED_FEATURES)
  const { version = needsLatest ? LATEST_VERSION : 1 } = options
  return writeSavedState(recordsOf(host, clients, options, version, served.controlDomid), supplement, version)
}

function* savedClients({ accepted, introduced }: ServedClients, { fdOf }: SaveOptions): Generator<SavedClient> {
  for (const domain of introduced) {
    const { client, ports, record, isShutDown: shutDown } = domain
    if (client === undefined || ports === undefined) continue
    domain.settle()
    const { port, remotePort } = ports
    const spec: ConnectionSpec = { kind: 'ring', domid: record.domid, target: record.target?.domid, port }
    const unsent = domain.progress?.output ?? NOTHING
    yield { client, spec, taken: NOTHING, unsent, remotePort: remotePort ?? 0, shutDown }
  }
  for (const { channel, client } of accepted) {
    const fd = fdOf?.(channel instanceof DurableChannel ? channel.channel : channel)
    if (fd === undefined || channel.closed) continue
    yield {
      client,
      spec: { kind: 'socket', fd },
      taken: take(channel, client.save(NOTHING).input.length),
      unsent: NOTHING,
      remotePort: 0,
      shutDown: false,
    }
  }
}

/** What has arrived, as far as there is room for it. @param before bytes that were taken before */
const take = (channel: ByteChannel, before: number): Uint8Array => {
  const pieces: Uint8Array[] = []
  for (let left = INPUT_LIMIT - before; left >= PIECE_BYTES; ) {
    const piece = new Uint8Array(PIECE_BYTES)
    const count = channel.receive(piece)
    if (count === 0) break
    pieces.push(piece.subarray(0, count))
    left -= count
  }
  return concatBytes(...pieces)
}

function* recordsOf(
  host: StoreHost,
  clients: readonly SavedClient[],
  { listeners = [], reply, evtchnFd = -1 }: SaveOptions,
  version: number,
  controlDomid: Domid,
): Generator<StateRecord> {
  yield { kind: 'GLOBAL_DATA', socketFd: listeners[0]?.fd ?? -1, evtchnFd }
  yield { kind: 'GLOBAL_QUOTA_DATA', perDomain: savedQuotas(host.quotas.defaults), global: [] }
  if (!clients.some(({ spec }) => spec.kind === 'ring' && spec.domid === controlDomid)) yield unserved(controlDomid)
  for (const { client, spec, taken, unsent } of clients) {
    const { id: connId } = client
    const { input, partial, whole } = client.save(taken)
    const output = concatBytes(unsent, partial, whole, ...(reply?.client === client ? [reply.message] : []))
    const partialBytes = unsent.length + partial.length
    yield { kind: 'CONNECTION_DATA', connId, spec, input, output, partialBytes, uniqueId: undefined }
    for (const watch of client.watches.all()) yield saveWatch(connId, watch, version)
  }
  yield* saveNodes(host.store.tree)
  for (const { spec } of clients) {
    if (spec.kind !== 'ring') continue
    const { features, account } = host.records.of(spec.domid)
    yield { kind: 'DOMAIN_DATA', domid: spec.domid, features, quotas: savedQuotas(account.quotas) }
  }
}

function* supplementOf(
  host: StoreHost,
  clients: readonly SavedClient[],
  { listeners = [] }: SaveOptions,
): Generator<SupplementRecord> {
  for (const { fd, path } of listeners) yield { kind: 'LISTENER', fd, path }
  const { store, records } = host
  yield { kind: 'STORE', generation: store.generation, generations: [...topDown(store.tree)].map(({ node }) => node) }
  for (const { domid, features, account } of records.all())
    yield { kind: 'DOMAIN', domid, features, quotas: savedQuotas(account.quotas) }
  for (const { client, remotePort, shutDown } of clients) {
    const { domain, privileged } = client.caller
    yield {
      kind: 'CONNECTION',
      connId: client.id,
      domid: domain.domid,
      privileged: privileged ? 1 : 0,
      remotePort,
      shutDown: shutDown ? 1 : 0,
      reserved: 0,
      lastTxId: client.transactions.lastId,
    }
  }
  yield* saveTransactions(
    clients.map(({ client }) => client),
    new TreeNumbers(store.tree),
  )
}

const NOBODY = 0xffff_ffff

/**
 * The control domain's ring where it is not served. Xen 4.17 needs it: there the store comes into being with it.
 * @see xen/tools/xenstore/xenstored_domain.c introduce_domain
 */
const unserved = (domid: Domid): StateRecord => ({
  kind: 'CONNECTION_DATA',
  connId: NOBODY,
  spec: { kind: 'ring', domid, target: undefined, port: 0 as Port },
  input: NOTHING,
  output: NOTHING,
  partialBytes: 0,
  uniqueId: undefined,
})
