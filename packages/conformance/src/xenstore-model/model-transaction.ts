import { domidOf, type NodeOutcome, type NodeScope, requestNode } from './model-node-request.js'
import type { Life, ModelCaller, ModelEvent, ModelState } from './model-state.js'
import type { StoreOperation } from './store-operation.js'

/** What a commit came to; without an error, the store is as `state` says, and `events` are to be told. */
export interface CommitOutcome {
  readonly error: string | undefined
  readonly state: ModelState
  readonly events: readonly ModelEvent[]
}

interface LoggedRequest {
  readonly operation: StoreOperation
  readonly path: string | undefined
  readonly reply: string
  /** Who bore the domids it named: a right that is given to one who dies meanwhile is not its successor's (rule 53). */
  readonly lives: ReadonlyMap<number, Life>
  /** Who asked, with the rights that it had. */
  readonly caller: ModelCaller
}

/**
 * A transaction as the definition has it: a copy of the whole store, and a record of what was asked. It commits if all that
 * it examined is unchanged; then all that was asked is asked once more of the store as it is, and must be answered the same.
 */
export class ModelTransaction {
  readonly own: ModelState
  readonly #base: ModelState
  readonly #version: number
  readonly #caller: ModelCaller
  readonly #log: LoggedRequest[] = []
  readonly #examined = new Set<string>()
  readonly #owners = new Set<Life>()
  readonly #events = new Map<string, ModelEvent>()

  /** @param version counts the changes of the live store */
  constructor(live: ModelState, version: number, caller: ModelCaller) {
    this.own = live.copy()
    this.#base = live.copy()
    this.#version = version
    this.#caller = caller
  }

  /** By how many nodes this changes what a domain owns. */
  gain(life: Life): number {
    return this.own.owned(life) - this.#base.owned(life)
  }

  request(scope: NodeScope, operation: StoreOperation, path: string | undefined): NodeOutcome {
    const named = operation.kind === 'setPerms' && path !== undefined ? operation.permissions.map(domidOf) : []
    const lives = new Map(named.map((domid) => [domid, scope.lifeOf(domid)]))
    const outcome = requestNode(scope, operation, path)
    this.#log.push({ operation, path, reply: outcome.reply, lives, caller: scope.caller })
    for (const examined of outcome.examined) this.#examined.add(examined)
    for (const owner of outcome.owners) this.#owners.add(owner)
    for (const event of outcome.events) {
      if (this.#events.get(event.path)?.exact !== false) this.#events.set(event.path, event)
    }
    return outcome
  }

  commit(live: ModelState, version: number, scope: Omit<NodeScope, 'state' | 'room'>): CommitOutcome {
    const refused = (error: string): CommitOutcome => ({ error, state: live, events: [] })
    if ([...this.#owners].some(({ alive }) => !alive)) return refused('EAGAIN')
    const moved = version !== this.#version
    if (moved && [...this.#examined].some((what) => this.#differs(what, live))) return refused('EAGAIN')
    const { life, privileged } = this.#caller
    const [gain, quota] = [this.gain(life), life.quotas.nodes]
    if (!privileged && gain > 0 && quota > 0 && live.owned(life) + gain > quota) return refused('ENOSPC')
    return { error: undefined, state: this.#replayed(live, scope), events: [...this.#events.values()] }
  }

  #differs(what: string, live: ModelState): boolean {
    const [kind, path] = what.split(' ') as [string, string]
    const seen = (state: ModelState): unknown => {
      if (kind === 'node') return state.nodes.get(path)?.stamp
      if (kind === 'listing') return state.nodes.get(path)?.listing
      return state.nodes.has(path) ? state.subtree(path).map((below) => [below, state.versionOf(below)]) : []
    }
    return JSON.stringify(seen(live)) !== JSON.stringify(seen(this.#base))
  }

  #replayed(live: ModelState, scope: Omit<NodeScope, 'state' | 'room'>): ModelState {
    const state = live.copy()
    for (const { operation, path, reply, lives, caller } of this.#log) {
      // What was refused for want of room changed nothing, and there may be room now.
      if (reply === '!ENOSPC') continue
      const lifeOf = (domid: number): Life => lives.get(domid)!
      const then = { ...scope, caller, state, room: Number.POSITIVE_INFINITY, lifeOf }
      const again = requestNode(then, operation, path).reply
      // Entries of a domain that died meanwhile are not shown any more.
      if (again !== reply && operation.kind !== 'getPerms' && operation.kind !== 'directoryPart')
        throw new Error(`not serialisable: ${operation.kind} ${path} was ${reply} and is ${again} at the commit`)
    }
    return state
  }
}
