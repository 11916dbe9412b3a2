import { packStrings, XenStoreOp } from '@split-driver/xenbus'
import { settle, XenStoreWireClient } from '../xenstore-wire-client.js'
import type { ModelQuotas } from './model-domains.js'
import { ModelListings } from './model-listings.js'
import { introduction, lookAt, offer, prelude, type StoreOperation } from './store-operation.js'
import { bodyOf, codeOf } from './store-request.js'
import type { StoreUnderTest } from './store-under-test.js'
import { type ModelConnection, XenStoreModel } from './xenstore-model.js'

export interface StoreModelOptions {
  /** Domains 1 … domains, beside the control domain. */
  readonly domains: number
  readonly quotas: ModelQuotas
}

/** The control domain by two channels, every domain by its ring page, and domain 1 by a channel, too. */
const connectionsOf = (domains: number): ModelConnection[] => [
  { domid: 0, transport: 'channel' },
  ...Array.from({ length: domains }, (_, index) => ({ domid: index + 1, transport: 'ring' }) as const),
  { domid: 1, transport: 'channel' },
  { domid: 0, transport: 'channel' },
]

/** How many clients there are when there are so many domains. */
export const clientsOf = (domains: number): number => connectionsOf(domains).length

/** Asks a server and the model the same things, and compares every reply, every event and, at the end, all there is. */
export class StoreModelRun {
  readonly #store: StoreUnderTest
  readonly #model: XenStoreModel
  readonly #connections: readonly ModelConnection[]
  readonly #clients: (XenStoreWireClient | undefined)[]
  readonly #listings = new ModelListings()
  readonly #options: StoreModelOptions

  constructor(store: StoreUnderTest, options: StoreModelOptions) {
    this.#store = store
    this.#options = options
    this.#connections = connectionsOf(options.domains)
    this.#model = new XenStoreModel(this.#connections, options.domains, options.quotas)
    this.#clients = this.#connections.map(({ domid }) => (domid === 0 ? this.#channelOf(0) : undefined))
  }

  /** Makes the store ready for the unprivileged. @returns the first difference there was */
  async begin(): Promise<string | undefined> {
    return this.#all(prelude(this.#options.domains))
  }

  /** Who is not there cannot ask: then its domain is introduced. @returns how server and model differ, if they do */
  async step(chosen: StoreOperation): Promise<string | undefined> {
    if (this.#model.isConnected(chosen.client)) return this.#do(chosen)
    const { domid } = this.#connections[chosen.client]!
    return (await this.#do(offer(domid, chosen.number))) ?? this.#do(introduction(domid))
  }

  async #do(operation: StoreOperation): Promise<string | undefined> {
    const { kind, domid } = operation
    const served = this.#model.isIntroduced(domid)
    if (kind === 'introduce' && !served && domid > 0 && domid <= this.#options.domains) this.#store.build(domid)
    const id = this.#transactionId(operation)
    const due = this.#model.request(operation, id)
    const reply = await this.#clients[operation.client]!.ask(codeOf(kind), bodyOf(operation), id)
    const said = `${JSON.stringify(operation)} in ${id}`
    const same = kind === 'directoryPart' ? this.#listings.agree(operation.path, reply, due) : reply === due
    if (!same) return `${said} was answered ${JSON.stringify(reply)}, and ${JSON.stringify(due)} is due`
    if (kind === 'introduce' && due === 'OK') this.#reconnect(domid, served)
    if (kind === 'release' && due === 'OK' && !this.#disconnect(domid)) return `after ${said} a channel is still open`
    return this.#compareEvents(said)
  }

  /** Reads everything, and how much everybody has. @returns the first difference */
  async compareAll(): Promise<string | undefined> {
    return (await this.#all(this.#model.paths().flatMap(lookAt))) ?? this.#compareAccounts()
  }

  /** What the server has counted must be right, also for itself. */
  async #compareAccounts(): Promise<string | undefined> {
    const control = (...words: string[]): Promise<string> =>
      this.#clients[0]!.ask(XenStoreOp.Control, packStrings(...words))
    const faults = await control('check')
    if (faults !== 'OK') return `CONTROL check says: ${faults}`
    for (const account of this.#model.accounts()) {
      const said = await control('quota', String(account.domid))
      for (const name of ['nodes', 'watches', 'transactions'] as const) {
        const count = Number(new RegExp(`^${name} *: *([0-9]+)`, 'm').exec(said)?.[1])
        if (count !== account[name]) return `domain ${account.domid} has ${count} ${name}, and ${account[name]} are due`
      }
    }
    return undefined
  }

  async #all(operations: readonly StoreOperation[]): Promise<string | undefined> {
    for (const operation of operations) {
      const difference = await this.#do(operation)
      if (difference !== undefined) return difference
    }
    return undefined
  }

  #transactionId({ client, transaction }: StoreOperation): number {
    const open = this.#model.openTransactions(client)
    if (transaction === 0 || transaction === 99) return transaction
    return open[transaction % Math.max(open.length, 1)] ?? 0
  }

  /** @param served before already: then only its ring begins anew */
  #reconnect(domid: number, served: boolean): void {
    this.#connections.forEach((connection, index) => {
      if (connection.domid !== domid) return
      if (connection.transport === 'ring') this.#clients[index] = new XenStoreWireClient(this.#store.ring(domid))
      else if (!served) this.#clients[index] = this.#channelOf(domid)
    })
  }

  /** @returns whether the server has closed what was the domain's */
  #disconnect(domid: number): boolean {
    let closed = true
    this.#connections.forEach((connection, index) => {
      if (connection.domid !== domid) return
      if (connection.transport === 'channel') closed &&= this.#clients[index]!.channel.closed
      this.#clients[index] = undefined
    })
    return closed
  }

  #channelOf(domid: number): XenStoreWireClient {
    return new XenStoreWireClient(this.#store.connect(domid))
  }

  async #compareEvents(said: string): Promise<string | undefined> {
    await settle(8 + 4 * this.#clients.length)
    for (const [index, client] of this.#clients.entries()) {
      const told = client?.takeEvents().join(', ') ?? ''
      if (client !== undefined) client.messages.length = 0
      const due = this.#model.takeEvents(index).join(', ')
      if (told !== due) return `after ${said} client ${index} was told [${told}], and [${due}] is due`
    }
    return undefined
  }
}
