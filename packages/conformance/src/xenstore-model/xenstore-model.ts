import { ModelClient, type ModelWatch, type Transport } from './model-client.js'
import { ModelDomains, type ModelQuotas, WATCH_DEPTH } from './model-domains.js'
import { domidOf, type NodeScope, requestNode } from './model-node-request.js'
import {
  granted,
  type Life,
  levelsBelow,
  type ModelCaller,
  type ModelEvent,
  type ModelNode,
  ModelState,
  parentOf,
} from './model-state.js'
import { ModelTransaction } from './model-transaction.js'
import type { StoreOperation, StoreOperationKind } from './store-operation.js'

/** Who a client is, and how it comes. */
export interface ModelConnection {
  readonly domid: number
  readonly transport: Transport
}

export interface ModelAccount {
  readonly domid: number
  readonly nodes: number
  readonly watches: number
  readonly transactions: number
}

const PERMANENT = ['/', '@introduceDomain', '@releaseDomain']

const PRIVILEGED: ReadonlySet<StoreOperationKind> = new Set([
  ...(['introduce', 'release', 'isIntroduced', 'resume', 'setTarget', 'setFeature', 'getQuota', 'setQuota'] as const),
])

/** What has to do with nodes in no way, so that a transaction it names is not even looked for (rule 47). */
const OUTSIDE: ReadonlySet<StoreOperationKind> = new Set(['watch', 'unwatch'])

/**
 * What a XenStore server must answer and tell, written to be read: everything is a plain map, and whatever is to be kept is
 * copied. Domains 1 to `domains` can be introduced; only the control domain's clients are connected from the beginning.
 */
export class XenStoreModel {
  readonly #domains: ModelDomains
  readonly #clients: ModelClient[]
  #live: ModelState
  #version = 0
  #stamp = 0

  constructor(connections: readonly ModelConnection[], domains: number, quotas: ModelQuotas) {
    this.#domains = new ModelDomains(domains, quotas)
    this.#clients = connections.map(({ domid, transport }) => new ModelClient(this.#domains.lifeOf(domid), transport))
    for (const client of this.#clients) client.connected = client.caller.privileged
    const permissions = [{ life: this.#domains.lifeOf(0), letter: 'n' }]
    const node: ModelNode = { value: '', permissions, stamp: 0, listing: 0 }
    this.#live = new ModelState(['/', '/tool', '/tool/xenstored', ...PERMANENT.slice(1)].map((path) => [path, node]))
  }

  /** Every node's path. */
  paths(): string[] {
    return [...this.#live.nodes.keys()].filter((path) => path.startsWith('/'))
  }

  isIntroduced(domid: number): boolean {
    return this.#domains.isIntroduced(domid)
  }

  isConnected(client: number): boolean {
    return this.#clients[client]!.connected
  }

  /** The ids of a client's open transactions. */
  openTransactions(client: number): number[] {
    return [...this.#clients[client]!.transactions.keys()]
  }

  /** What the client is to be told since it was last asked. */
  takeEvents(client: number): string[] {
    return this.#clients[client]!.events.splice(0)
  }

  /** What each domain has now of what is counted. */
  accounts(): ModelAccount[] {
    return this.#domains.all().map((life) => ({
      domid: life.domid,
      nodes: this.#live.owned(life),
      watches: this.#count(life, ({ watches }) => watches.length),
      transactions: this.#count(life, ({ transactions }) => transactions.size),
    }))
  }

  /** @param id of the transaction that it is in, or 0. @returns the reply that is due */
  request(operation: StoreOperation, id: number): string {
    const { kind } = operation
    const client = this.#clients[operation.client]!
    this.#stamp += 1
    const { privileged } = client.caller
    if (PRIVILEGED.has(kind) && !privileged) return '!EACCES'
    if (!OUTSIDE.has(kind) && id !== 0 && !client.transactions.has(id)) return '!ENOENT'
    if (kind === 'getFeature' && !operation.ofSelf && !privileged) return '!EACCES'
    if (this.#domains.handles(kind)) return this.#domains.request(operation, client.life)
    switch (kind) {
      case 'watch':
        return this.#watch(client, operation)
      case 'unwatch':
        return this.#unwatch(client, operation)
      case 'start':
        return id === 0 ? this.#start(client) : '!EBUSY'
      case 'end':
        return this.#end(client, id, operation.commit)
      case 'resetWatches':
        client.reset()
        return 'OK'
      case 'introduce':
        return this.#introduce(operation.domid)
      case 'release':
        return this.#release(operation.domid)
      default:
        return this.#onNodes(client, operation, client.transactions.get(id))
    }
  }

  #onNodes(client: ModelClient, operation: StoreOperation, inside?: ModelTransaction): string {
    const { caller } = client
    const { nodes, 'node-permissions': mostPermissions } = caller.life.quotas
    const named = operation.kind === 'setPerms' ? operation.permissions : []
    if (exceeds(caller, named.length, mostPermissions)) return '!ENOSPC'
    const [owner] = named.map((one) => this.#domains.named(domidOf(one), caller.privileged))
    if (owner?.alive === false) return '!ENOENT'
    const path = absolute(caller, operation.path)
    const room = (nodes || Infinity) - this.#live.owned(caller.life) - (inside?.gain(caller.life) ?? 0)
    if (inside !== undefined)
      return inside.request({ ...this.#scope(client), state: inside.own, room }, operation, path).reply
    const before = this.#live.copy()
    const { reply, events } = requestNode({ ...this.#scope(client), state: this.#live, room }, operation, path)
    this.#tell(events, before)
    return reply
  }

  #scope({ caller }: ModelClient): Omit<NodeScope, 'state' | 'room'> {
    return { caller, stamp: this.#stamp, lifeOf: (domid) => this.#domains.named(domid, caller.privileged) }
  }

  #start(client: ModelClient): string {
    const { life } = client.caller
    const open = this.#count(life, ({ transactions }) => transactions.size)
    if (exceeds(client.caller, open + 1, life.quotas.transactions)) return '!ENOSPC'
    return String(client.begin(new ModelTransaction(this.#live, this.#version, client.caller)))
  }

  #end(client: ModelClient, id: number, commit: boolean): string {
    const transaction = client.transactions.get(id)
    if (transaction === undefined) return '!ENOENT'
    client.transactions.delete(id)
    if (!commit) return 'OK'
    const before = this.#live
    const outcome = transaction.commit(before, this.#version, this.#scope(client))
    if (outcome.error !== undefined) return `!${outcome.error}`
    this.#live = outcome.state
    this.#tell(outcome.events, before)
    return 'OK'
  }

  #watch(client: ModelClient, { path: given, token, depth }: StoreOperation): string {
    const { caller } = client
    const path = absolute(caller, given)
    if (path === undefined || (depth !== undefined && (caller.life.features & WATCH_DEPTH) === 0)) return '!EINVAL'
    if (client.watches.some((watch) => watch.path === path && watch.token === token)) return '!EEXIST'
    const count = this.#count(caller.life, ({ watches }) => watches.length)
    if (exceeds(caller, count + 1, caller.life.quotas.watches)) return '!E2BIG'
    const watch = { path, token, relative: !/^[/@]/.test(given), depth }
    client.watches.push(watch)
    client.deliver(watch, path)
    return 'OK'
  }

  #unwatch(client: ModelClient, { path: given, token }: StoreOperation): string {
    const path = absolute(client.caller, given)
    // There is no watch at a path that is none.
    if (path === undefined) return '!ENOENT'
    const kept = client.watches.filter((watch) => watch.path !== path || watch.token !== token)
    if (kept.length === client.watches.length) return '!ENOENT'
    client.watches = kept
    return 'OK'
  }

  /** One that is served already begins anew on its ring, and nobody is told. */
  #introduce(domid: number): string {
    const isNew = !this.#domains.isIntroduced(domid)
    if (!this.#domains.introduce(domid)) return '!EINVAL'
    this.#clients.forEach(({ life, transport }, index) => {
      if (life.domid !== domid || !(isNew || transport === 'ring')) return
      this.#clients[index] = new ModelClient(this.#domains.lifeOf(domid), transport)
    })
    if (isNew) this.#tellSpecial('@introduceDomain', domid)
    return 'OK'
  }

  #release(domid: number): string {
    const life = this.#domains.release(domid)
    if (typeof life === 'string') return life
    for (const client of this.#clients) {
      if (client.life !== life) continue
      client.connected = false
      client.reset()
      client.events = []
    }
    this.#bury(life)
    this.#tellSpecial('@releaseDomain', domid)
    return 'OK'
  }

  /** Removes what the dead owned; what is permanent falls to the control domain. */
  #bury(dead: Life): void {
    const visit = (path: string): void => {
      const node = this.#live.nodes.get(path)!
      const owned = node.permissions[0]!.life === dead
      const before = owned ? this.#live.copy() : this.#live
      if (owned && !PERMANENT.includes(path)) {
        this.#tell(this.#live.remove(path, this.#stamp), before)
        return
      }
      if (owned) {
        const permissions = [{ ...node.permissions[0]!, life: this.#domains.lifeOf(0) }, ...node.permissions.slice(1)]
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
        const watches = client.watches.filter((watch) => matches(watch, event))
        if (watches.length === 0 || !this.#mayKnow(client.caller, event.path, before)) continue
        for (const watch of watches) client.deliver(watch, event.path)
      }
    }
  }

  /** Those who watch the one domain, or want to know which it is, are told its number (rule 51). */
  #tellSpecial(happening: string, domid: number): void {
    const ofDomain = `${happening}/${domid}`
    for (const client of this.#clients) {
      if (!this.#mayKnow(client.caller, happening, this.#live)) continue
      for (const watch of client.watches) {
        if (watch.path === ofDomain || (watch.path === happening && (watch.depth ?? 0) > 0))
          client.deliver(watch, ofDomain)
        else if (watch.path === happening && watch.depth === undefined) client.deliver(watch, happening)
      }
    }
  }

  #mayKnow(caller: ModelCaller, path: string, before: ModelState): boolean {
    const nodes = [path, parentOf(path)].flatMap((near) => [before.nodes.get(near), this.#live.nodes.get(near)])
    return nodes.some((node) => node !== undefined && granted(caller, node, 'r') > 0)
  }

  #count(life: Life, count: (client: ModelClient) => number): number {
    return this.#clients.filter((client) => client.life === life).reduce((sum, client) => sum + count(client), 0)
  }
}

/** @returns `undefined` if the path is no valid one */
const absolute = ({ life }: ModelCaller, path: string): string | undefined => {
  if (!/^[A-Za-z0-9\-/_@]+$/.test(path) || path.includes('//') || (path !== '/' && path.endsWith('/'))) return undefined
  return /^[/@]/.test(path) ? path : `/local/domain/${life.domid}/${path}`
}

/** @param quota 0 stands for none */
const exceeds = ({ privileged }: ModelCaller, count: number, quota: number): boolean =>
  !privileged && quota > 0 && count > quota

const matches = ({ path, depth = Infinity }: ModelWatch, event: ModelEvent): boolean => {
  const levels = levelsBelow(event.path, path)
  return levels !== undefined && levels <= (event.exact ? 0 : depth)
}
