import { XenStoreOp } from '@split-driver/xenbus'
import type { Daemon } from '../daemon.js'
import { readAncestry } from './ancestry.js'
import { strings } from './choose-body.js'
import { absolute, GUESTS, nodeOf, SOCKET_CLIENTS, STRANGER, stringsOf, wayTo } from './clients.js'
import type { Circumstances } from './difference.js'
import { askInOneGo, type Holdings, type Registration, readStore, writeStore } from './holdings.js'
import { type Observation, observe } from './observation.js'
import type { Operation } from './operation.js'
import { Timeline } from './timeline.js'
import { encode, WireConnection } from './wire-connection.js'

/** In the order in which they go. */
const ALL_DOMAINS: readonly number[] = [STRANGER, 2, 1]

const UNKNOWN_TRANSACTION = 0x7777

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
  readonly #closed = new Set<number>()
  /** In the order in which they were made. */
  #watches: Registration[] = []
  readonly #timeline = new Timeline(SOCKET_CLIENTS + GUESTS.length)
  /** By domain, the one that it acts for. */
  readonly #targets = new Map<number, number>()

  static async begin(daemon: Daemon): Promise<Side> {
    const made = new Side(daemon, await WireConnection.overSocket(daemon.socketPath))
    for (let i = 0; i < SOCKET_CLIENTS; i++) made.#clients.push(await WireConnection.overSocket(daemon.socketPath))
    await made.#setUp(setup)
    const pages = new Map(ALL_DOMAINS.map((domid) => [domid, daemon.createGuest(domid)]))
    for (const domid of GUESTS) made.#clients.push(WireConnection.overRing(pages.get(domid)!))
    await made.#setUp(introduction)
    return made
  }

  /** @param control a connection of domain 0 that is none of the episode's clients */
  private constructor(
    readonly daemon: Daemon,
    readonly control: WireConnection,
  ) {}

  /** Open transactions of each client. */
  get slots(): number[] {
    return this.#timeline.slots
  }

  /** What is known here before an operation is asked. */
  async circumstancesOf(operation: Operation): Promise<Circumstances> {
    const path = nodeOf(operation)
    return {
      unprivileged: operation.client >= SOCKET_CLIENTS,
      targets: this.#targets,
      watches: [...this.#watches],
      ancestry: path === undefined ? [] : await readAncestry(this.control, path),
      past: this.#timeline.pastOf(operation),
    }
  }

  /** Asks, and waits until all clients have what comes of it. */
  async run(operation: Operation, circumstances: Circumstances): Promise<Observation> {
    const { client, type, body } = operation
    const txId = this.#transactionOf(operation)
    const own = await this.#clients[client]!.exchange(encode(type, 1, txId, body))
    const others = this.#clients.map((connection, other) => {
      if (other === client) return own
      return this.#isWatching(other) ? connection.exchange() : { messages: [], closed: this.#closed.has(other) }
    })
    const observation = observe(operation, await Promise.all(others), txId)
    for (const [other, { closed }] of (await Promise.all(others)).entries()) if (closed) this.#closed.add(other)
    this.#note(operation, circumstances, observation)
    return observation
  }

  /** What it holds, once every transaction has ended. */
  async holdings(): Promise<Holdings> {
    return { ...(await readStore(this.control)), watches: this.#watches, closed: this.#closed }
  }

  /** Ends every transaction, without its changes. */
  async endTransactions(): Promise<void> {
    for (const client of this.#clients.keys()) {
      const ends = this.#timeline.idsOf(client).map((id) => encode(XenStoreOp.TransactionEnd, 1, id, strings('F')))
      if (ends.length > 0) await this.#clients[client]!.exchange(Buffer.concat(ends))
      this.#timeline.forget(client)
    }
  }

  /** Holds these from now on, whatever it held. @returns whether it does */
  async adopt(holdings: Holdings): Promise<boolean> {
    for (const client of holdings.closed) {
      this.#clients[client]!.close()
      this.#closed.add(client)
    }
    for (const client of this.#live())
      await askInOneGo(this.#clients[client]!, [[XenStoreOp.ResetWatches, strings('')]])
    const written = await writeStore(this.control, holdings)
    this.#watches = [...holdings.watches]
    for (const client of this.#live()) {
      const own = this.#watches.filter((watch) => watch.client === client)
      const replies = await askInOneGo(
        this.#clients[client]!,
        own.map(({ body }) => [XenStoreOp.Watch, body]),
      )
      if (replies.some(({ type }) => type === XenStoreOp.Error)) return false
    }
    return written
  }

  /** The guests are no more, for the daemon and for the machine. */
  async end(): Promise<void> {
    await this.#setUp(ALL_DOMAINS.map((domid): Setup => [XenStoreOp.Release, String(domid)]))
    for (const domid of ALL_DOMAINS) this.daemon.destroyGuest(domid)
    for (const client of [this.control, ...this.#clients]) client.close()
  }

  #live(): number[] {
    return [...this.#clients.keys()].filter((client) => !this.#closed.has(client))
  }

  #isWatching(client: number): boolean {
    return this.#watches.some((watch) => watch.client === client)
  }

  async #setUp(steps: readonly Setup[]): Promise<void> {
    for (const [type, ...texts] of steps) await this.control.exchange(encode(type, 1, 0, strings(...texts)))
  }

  #transactionOf({ client, transaction }: Operation): number {
    if (transaction === 'none') return 0
    return transaction === 'unknown' ? UNKNOWN_TRANSACTION : (this.#timeline.idsOf(client)[transaction.slot] ?? 0)
  }

  #note(operation: Operation, { ancestry }: Circumstances, { reply, body }: Observation): void {
    const done = !/^ERROR|^no reply/.test(reply)
    const path = nodeOf(operation)
    const outermost = path && (wayTo(path)[ancestry.length] ?? path)
    const id = Number.parseInt(Buffer.from(body).toString(), 10)
    if (done) this.#noteWatch(operation)
    if (done) this.#noteTarget(operation)
    this.#timeline.note(operation, { done, id, again: reply.includes('EAGAIN'), outermost })
    if (this.#closed.has(operation.client)) this.#forget(operation.client)
  }

  #noteTarget({ type, body }: Operation): void {
    const [domid = 0, target = 0] = stringsOf(body).map((text) => Number.parseInt(text, 10))
    if (type === XenStoreOp.SetTarget) this.#targets.set(domid, target)
  }

  #noteWatch({ client, type, body }: Operation): void {
    if (type === XenStoreOp.Watch) this.#watches.push({ client, body })
    if (type === XenStoreOp.ResetWatches) this.#watches = this.#watches.filter((watch) => watch.client !== client)
    if (type === XenStoreOp.Unwatch) {
      const key = watchKey({ client, body })
      const at = this.#watches.findIndex((watch) => watch.client === client && watchKey(watch) === key)
      this.#watches.splice(at, 1)
    }
  }

  #forget(client: number): void {
    this.#watches = this.#watches.filter((watch) => watch.client !== client)
    this.#timeline.forget(client)
  }
}

/** What makes two watches of a client the same one: the node and the token. */
function watchKey({ client, body }: Registration): string {
  const [path = '', token = ''] = Buffer.from(body).toString('latin1').split('\0')
  return `${absolute(client, path)}\0${token}`
}
