import { type NodeScope, requestNode } from './model-node-request.js'
import {
  granted,
  type Life,
  type ModelCaller,
  type ModelEvent,
  type ModelNode,
  ModelState,
  parentOf,
} from './model-state.js'
import { ModelTransaction } from './model-transaction.js'
import type { StoreOperation } from './store-operation.js'

export interface ModelLimits {
  readonly nodes: number
  readonly watches: number
  readonly transactions: number
}

interface ModelWatch {
  readonly path: string
  readonly token: string
  readonly relative: boolean
}

interface ModelClient {
  caller: ModelCaller
  watches: ModelWatch[]
  readonly transactions: Map<number, ModelTransaction>
  lastId: number
  /** What it is to be told, as `path token`. */
  events: string[]
}

const PERMANENT = ['/', '@introduceDomain', '@releaseDomain']

/**
 * What a XenStore server must answer and tell, written to be read: everything is a plain map, and whatever is to be kept is
 * copied. Client `i` is domain `i`, and client 0 the control domain.
 */
export class XenStoreModel {
  readonly #limits: ModelLimits
  readonly #lives = new Map<number, Life>()
  readonly #clients: ModelClient[]
  #live: ModelState
  #version = 0
  #stamp = 0

  constructor(clients: number, limits: ModelLimits) {
    this.#limits = limits
    this.#clients = Array.from({ length: clients }, (_, domid) => this.#newClient(domid))
    const permissions = [{ life: this.#lifeOf(0), letter: 'n' }]
    const node: ModelNode = { value: '', permissions, stamp: 0, listing: 0 }
    this.#live = new ModelState(['/', '/tool', '/tool/xenstored', ...PERMANENT.slice(1)].map((path) => [path, node]))
  }

  /** Every path with its value and permissions. */
  dump(): string[] {
    return [...this.#live.nodes.keys()].filter((path) => path.startsWith('/'))
  }

  /** The ids of a client's open transactions. */
  openTransactions(client: number): number[] {
    return [...this.#clients[client]!.transactions.keys()]
  }

  /** What the client is to be told since it was last asked. */
  takeEvents(client: number): string[] {
    return this.#clients[client]!.events.splice(0)
  }

  /** @param id of the transaction that it is in, or 0. @returns the reply that is due */
  request(operation: StoreOperation, id: number): string {
    const client = this.#clients[operation.client]!
    this.#stamp += 1
    const path = this.#absolute(client, operation.path)
    if (operation.kind === 'rebirth') return this.#rebirth(operation.client)
    if (operation.kind === 'watch') return this.#watch(client, operation, path)
    if (operation.kind === 'unwatch') return this.#unwatch(client, operation, path)
    if (id !== 0 && !client.transactions.has(id)) return '!ENOENT'
    if (operation.kind === 'start') return id === 0 ? this.#start(client) : '!EBUSY'
    if (operation.kind === 'end') return this.#end(client, id, operation.commit)
    if (operation.kind === 'reset') return this.#reset(client)
    return this.#onNodes(client, operation, path, client.transactions.get(id))
  }

  #onNodes(
    client: ModelClient,
    operation: StoreOperation,
    path: string | undefined,
    inside?: ModelTransaction,
  ): string {
    const { life } = client.caller
    const room = this.#limits.nodes - this.#live.owned(life) - (inside?.gain(life) ?? 0)
    if (inside !== undefined)
      return inside.request({ ...this.#scope(client), state: inside.own, room }, operation, path).reply
    const before = this.#live.copy()
    const { reply, events } = requestNode({ ...this.#scope(client), state: this.#live, room }, operation, path)
    this.#tell(events, before)
    return reply
  }

  #scope({ caller }: ModelClient): Omit<NodeScope, 'state' | 'room'> {
    return { caller, stamp: this.#stamp, lifeOf: (domid) => this.#lifeOf(domid) }
  }

  #start(client: ModelClient): string {
    const { life, privileged } = client.caller
    if (!privileged && client.transactions.size >= this.#limits.transactions) return '!ENOSPC'
    client.lastId += 1
    client.transactions.set(client.lastId, new ModelTransaction(this.#live, this.#version, { life, privileged }))
    return String(client.lastId)
  }

  #end(client: ModelClient, id: number, commit: boolean): string {
    const transaction = client.transactions.get(id)
    if (transaction === undefined) return '!ENOENT'
    client.transactions.delete(id)
    if (!commit) return 'OK'
    const before = this.#live
    const outcome = transaction.commit(before, this.#version, this.#scope(client), this.#limits.nodes)
    if (outcome.error !== undefined) return `!${outcome.error}`
    this.#live = outcome.state
    this.#tell(outcome.events, before)
    return 'OK'
  }

  #reset(client: ModelClient): string {
    client.watches = []
    client.transactions.clear()
    return 'OK'
  }

  #watch(client: ModelClient, { path: given, token }: StoreOperation, path: string | undefined): string {
    if (path === undefined) return '!EINVAL'
    if (client.watches.some((watch) => watch.path === path && watch.token === token)) return '!EEXIST'
    if (!client.caller.privileged && client.watches.length >= this.#limits.watches) return '!E2BIG'
    const watch = { path, token, relative: !/^[/@]/.test(given) }
    client.watches.push(watch)
    this.#deliver(client, watch, path)
    return 'OK'
  }

  #unwatch(client: ModelClient, { token }: StoreOperation, path: string | undefined): string {
    if (path === undefined) return '!EINVAL'
    const kept = client.watches.filter((watch) => watch.path !== path || watch.token !== token)
    if (kept.length === client.watches.length) return '!ENOENT'
    client.watches = kept
    return 'OK'
  }

  #rebirth(index: number): string {
    const life = this.#lifeOf(index)
    life.alive = false
    this.#lives.delete(index)
    this.#clients[index] = this.#newClient(index)
    this.#bury(life)
    this.#tellSpecial('@releaseDomain')
    this.#tellSpecial('@introduceDomain')
    return 'OK'
  }

  /** Removes what the dead owned; what is permanent falls to the control domain. */
  #bury(dead: Life): void {
    const visit = (path: string): void => {
      const node = this.#live.nodes.get(path)!
      const before = this.#live.copy()
      const owned = node.permissions[0]!.life === dead
      if (owned && !PERMANENT.includes(path)) {
        this.#tell(this.#live.remove(path, this.#stamp), before)
        return
      }
      if (owned) {
        const permissions = [{ ...node.permissions[0]!, life: this.#lifeOf(0) }, ...node.permissions.slice(1)]
        this.#live.put(path, { ...node, permissions, stamp: this.#stamp })
        this.#tell([{ path, exact: false }], before)
      }
      if (path.startsWith('/')) this.#live.childrenOf(path).forEach(visit)
    }
    PERMANENT.forEach(visit)
  }

  /** Tells of what changed between a state and the live one. */
  #tell(events: readonly ModelEvent[], before: ModelState): void {
    if (events.length > 0) this.#version += 1
    for (const event of events) {
      if (!before.nodes.has(event.path) && !this.#live.nodes.has(event.path)) continue
      for (const client of this.#clients) {
        if (!this.#mayKnow(client.caller, event.path, before)) continue
        for (const watch of client.watches) if (matches(watch.path, event)) this.#deliver(client, watch, event.path)
      }
    }
  }

  #tellSpecial(path: string): void {
    for (const client of this.#clients) {
      if (!this.#mayKnow(client.caller, path, this.#live)) continue
      for (const watch of client.watches) if (watch.path === path) this.#deliver(client, watch, path)
    }
  }

  #mayKnow(caller: ModelCaller, path: string, before: ModelState): boolean {
    const nodes = [path, parentOf(path)].flatMap((near) => [before.nodes.get(near), this.#live.nodes.get(near)])
    return nodes.some((node) => node !== undefined && granted(caller, node, 'r') > 0)
  }

  #deliver({ caller, events }: ModelClient, { token, relative }: ModelWatch, path: string): void {
    const prefix = relative ? `/local/domain/${caller.life.domid}/`.length : 0
    const event = `${path.slice(prefix)} ${token}`
    // What one request makes happen is not delivered in between, so what is identical may be one (rule 46).
    if (event.startsWith('@') || !events.includes(event)) events.push(event)
  }

  #absolute({ caller }: ModelClient, path: string): string | undefined {
    if (!/^[A-Za-z0-9\-/_@]+$/.test(path) || path.includes('//') || (path !== '/' && path.endsWith('/')))
      return undefined
    return /^[/@]/.test(path) ? path : `/local/domain/${caller.life.domid}/${path}`
  }

  #lifeOf(domid: number): Life {
    const life = this.#lives.get(domid) ?? { domid, alive: true }
    this.#lives.set(domid, life)
    return life
  }

  #newClient(domid: number): ModelClient {
    const caller = { life: this.#lifeOf(domid), privileged: domid === 0 }
    return { caller, watches: [], transactions: new Map(), lastId: 0, events: [] }
  }
}

const matches = (watched: string, { path, exact }: ModelEvent): boolean =>
  path === watched || (!exact && (watched === '/' ? path.startsWith('/') : path.startsWith(`${watched}/`)))
