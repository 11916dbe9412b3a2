import { XenStoreOp } from '@split-driver/xenbus'
import type { Daemon } from '../daemon.js'
import { strings } from './choose-body.js'
import { type Observation, observe } from './observation.js'
import type { Operation } from './operation.js'
import { encode, WireConnection } from './wire-connection.js'

/** Clients of domain 0, at the socket. */
export const SOCKET_CLIENTS = 3
/** Domains behind rings; their clients follow those of the socket. Domain 3 is there, too, and is nobody's. */
export const GUESTS: readonly number[] = [1, 2]
/** In the order in which they go. */
const ALL_DOMAINS: readonly number[] = [3, 2, 1]

const UNKNOWN_TRANSACTION = 0x7777

/** An open transaction: the daemon's number for it, and how many changes there were when it began. */
interface Transaction {
  readonly id: number
  readonly begunAt: number
}

const changing: ReadonlySet<number> = new Set([
  XenStoreOp.Write,
  XenStoreOp.Mkdir,
  XenStoreOp.Rm,
  XenStoreOp.SetPerms,
  XenStoreOp.Release,
  XenStoreOp.Introduce,
])

type Setup = readonly [type: number, ...texts: string[]]

/** What an earlier episode left goes, and what every episode begins with comes. */
const setup: readonly Setup[] = [
  ...ALL_DOMAINS.map((domid): Setup => [XenStoreOp.Release, String(domid)]),
  ...['/t', '/local', '/tool', '/none', '/@x', '@', '@x', '@none'].map((path): Setup => [XenStoreOp.Rm, path]),
  [XenStoreOp.SetPerms, '/', 'n0'],
  [XenStoreOp.Write, '/'],
  ...['/t', '/tool/xenstored', '/local/domain/0'].map((path): Setup => [XenStoreOp.Mkdir, path]),
  [XenStoreOp.SetPerms, '/t', 'b0'],
  ...['@introduceDomain', '@releaseDomain'].map((path): Setup => [XenStoreOp.SetPerms, path, 'n0']),
]

const introduction: readonly Setup[] = GUESTS.flatMap((domid): Setup[] => [
  [XenStoreOp.Introduce, String(domid), '5', '5'],
  [XenStoreOp.Mkdir, `/local/domain/${domid}`],
  [XenStoreOp.SetPerms, `/local/domain/${domid}`, `n${domid}`],
])

/** One daemon in one episode, with a client for each of the episode's. */
export class Side {
  readonly #clients: WireConnection[] = []
  readonly #watching = new Set<number>()
  /** By client, its open transactions. */
  readonly #transactions: Transaction[][] = []
  /** Changes of the tree so far. */
  #changes = 0
  /** It differs in what it holds, and is left alone. */
  apart = false

  static async begin(daemon: Daemon): Promise<Side> {
    const made = new Side(daemon)
    for (let i = 0; i < SOCKET_CLIENTS; i++) made.#clients.push(await WireConnection.overSocket(daemon.socketPath))
    await made.#setUp(setup)
    const pages = new Map(ALL_DOMAINS.map((domid) => [domid, daemon.createGuest(domid)]))
    for (const domid of GUESTS) made.#clients.push(WireConnection.overRing(pages.get(domid)!))
    await made.#setUp(introduction)
    for (const _ of made.#clients) made.#transactions.push([])
    return made
  }

  private constructor(readonly daemon: Daemon) {}

  /** Open transactions of each client. */
  get slots(): number[] {
    return this.#transactions.map(({ length }) => length)
  }

  /** Whether the operation's transaction began before the last change by others. */
  isStale({ client, transaction }: Operation): boolean {
    const begunAt =
      typeof transaction === 'object' ? this.#transactions[client]?.[transaction.slot]?.begunAt : undefined
    return begunAt !== undefined && begunAt < this.#changes
  }

  /** Asks, and waits until all clients have what comes of it. */
  async run(operation: Operation): Promise<Observation> {
    const { client, type, body } = operation
    const txId = this.#transactionOf(operation)
    const own = await this.#clients[client]!.exchange(encode(type, 1, txId, body))
    const others = this.#clients.map((connection, other) => {
      if (other === client) return own
      return this.#watching.has(other) ? connection.exchange() : { messages: [], closed: false }
    })
    const observation = observe(operation, await Promise.all(others), txId)
    this.#note(operation, own.messages.find((message) => message.type !== XenStoreOp.WatchEvent)?.body, observation)
    return observation
  }

  /** The guests are no more, for the daemon and for the machine. */
  async end(): Promise<void> {
    await this.#setUp(ALL_DOMAINS.map((domid): Setup => [XenStoreOp.Release, String(domid)]))
    for (const domid of ALL_DOMAINS) this.daemon.destroyGuest(domid)
    for (const client of this.#clients) client.close()
  }

  async #setUp(steps: readonly Setup[]): Promise<void> {
    for (const [type, ...texts] of steps) await this.#clients[0]!.exchange(encode(type, 1, 0, strings(...texts)))
  }

  #transactionOf({ client, transaction }: Operation): number {
    if (transaction === 'none') return 0
    return transaction === 'unknown' ? UNKNOWN_TRANSACTION : (this.#transactions[client]![transaction.slot]?.id ?? 0)
  }

  #note(operation: Operation, reply: Uint8Array | undefined, { reply: text }: Observation): void {
    const { client, type, transaction } = operation
    const done = !text.startsWith('ERROR')
    const open = this.#transactions[client]!
    if (type === XenStoreOp.Watch && done) this.#watching.add(client)
    if (type === XenStoreOp.TransactionStart && done) {
      open.push({ id: Number.parseInt(Buffer.from(reply ?? []).toString(), 10), begunAt: this.#changes })
    }
    const over = done || text.includes('EAGAIN')
    if (type === XenStoreOp.TransactionEnd && over && typeof transaction === 'object') open.splice(transaction.slot, 1)
    if (type === XenStoreOp.ResetWatches && done) open.length = 0
    if (done && (type === XenStoreOp.TransactionEnd || (transaction === 'none' && changing.has(type)))) this.#changes++
  }
}
