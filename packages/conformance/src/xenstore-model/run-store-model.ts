import { type ByteChannel, packStringAndRest, packStrings, XenStoreOp } from '@split-driver/xenbus'
import { settle, XenStoreWireClient } from '../xenstore-wire-client.js'
import { prelude, type StoreOperation } from './store-operation.js'
import { type ModelLimits, XenStoreModel } from './xenstore-model.js'

/** A server that is to do as the model does. It was set to the model's limits. */
export interface StoreUnderTest {
  /** A connection of a domain; domain 0 is the control domain. Everything on it must happen within microtasks. */
  connect(domid: number): ByteChannel
  /** Lets a domain die, and another come with its number. Its connection is lost. */
  rebirth(domid: number): void
}

export interface StoreModelOptions {
  /** Domains 0 … clients − 1, each with one connection. */
  readonly clients: number
  readonly limits: ModelLimits
}

const CODES = {
  read: XenStoreOp.Read,
  directory: XenStoreOp.Directory,
  getPerms: XenStoreOp.GetPerms,
  setPerms: XenStoreOp.SetPerms,
  write: XenStoreOp.Write,
  mkdir: XenStoreOp.Mkdir,
  rm: XenStoreOp.Rm,
  watch: XenStoreOp.Watch,
  unwatch: XenStoreOp.Unwatch,
  start: XenStoreOp.TransactionStart,
  end: XenStoreOp.TransactionEnd,
  reset: XenStoreOp.ResetWatches,
} as const

const bodyOf = ({ kind, path, value, permissions, token, commit }: StoreOperation): Uint8Array => {
  if (kind === 'write') return packStringAndRest(path, value)
  if (kind === 'setPerms') return packStrings(path, ...permissions)
  if (kind === 'watch' || kind === 'unwatch') return packStrings(path, token)
  if (kind === 'end') return packStrings(commit ? 'T' : 'F')
  return packStrings(kind === 'start' || kind === 'reset' ? '' : path)
}

/** Asks a server and the model the same things, and compares every reply, every event and, at the end, all there is. */
export class StoreModelRun {
  readonly #store: StoreUnderTest
  readonly #model: XenStoreModel
  readonly #clients: XenStoreWireClient[]

  constructor(store: StoreUnderTest, { clients, limits }: StoreModelOptions) {
    this.#store = store
    this.#model = new XenStoreModel(clients, limits)
    this.#clients = Array.from({ length: clients }, (_, domid) => new XenStoreWireClient(store.connect(domid)))
  }

  /** Makes the store ready for the unprivileged. @returns the first difference there was */
  async begin(): Promise<string | undefined> {
    for (const operation of prelude()) {
      const difference = await this.step(operation)
      if (difference !== undefined) return difference
    }
    return undefined
  }

  /** @returns how server and model differ, if they do */
  async step(operation: StoreOperation): Promise<string | undefined> {
    if (operation.kind === 'rebirth' && operation.client === 0) return undefined
    const id = this.#transactionId(operation)
    const due = this.#model.request(operation, id)
    const reply = await this.#ask(operation, id)
    const said = `${operation.kind} ${JSON.stringify(operation)} in ${id}`
    if (reply !== due) return `${said} was answered ${JSON.stringify(reply)}, and ${JSON.stringify(due)} is due`
    return this.#compareEvents(said)
  }

  /** Reads everything. @returns the first difference */
  async compareAll(): Promise<string | undefined> {
    const look = { client: 0, value: '', permissions: [], token: '', transaction: 0, commit: false } as const
    for (const path of this.#model.dump()) {
      for (const kind of ['read', 'directory', 'getPerms'] as const) {
        const difference = await this.step({ ...look, kind, path })
        if (difference !== undefined) return difference
      }
    }
    return undefined
  }

  #transactionId({ client, transaction }: StoreOperation): number {
    const open = this.#model.openTransactions(client)
    if (transaction === 0 || transaction === 99) return transaction
    return open[transaction % Math.max(open.length, 1)] ?? 0
  }

  async #ask(operation: StoreOperation, id: number): Promise<string> {
    if (operation.kind !== 'rebirth')
      return this.#clients[operation.client]!.ask(CODES[operation.kind], bodyOf(operation), id)
    this.#store.rebirth(operation.client)
    this.#clients[operation.client] = new XenStoreWireClient(this.#store.connect(operation.client))
    return 'OK'
  }

  async #compareEvents(said: string): Promise<string | undefined> {
    await settle(8 + 4 * this.#clients.length)
    for (const [index, client] of this.#clients.entries()) {
      const told = client.takeEvents().join(', ')
      client.messages.length = 0
      const due = this.#model.takeEvents(index).join(', ')
      if (told !== due) return `after ${said} client ${index} was told [${told}], and [${due}] is due`
    }
    return undefined
  }
}
