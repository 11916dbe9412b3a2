import type { WireError } from '@split-driver/xenbus'
import type { Caller, DomainRecord } from '../domains/domain-record.js'
import type { XenstoreLimits } from '../quotas/limits.js'
import { forEachOwner } from '../tree/ownership.js'
import { addToNodeCount, changed, costOf, type Store } from '../tree/store.js'
import type { Tree } from '../tree/tree.js'
import type { Change, NodeEvent, Workspace } from '../tree/workspace.js'
import { merged } from './merge.js'
import { Observations } from './observations.js'

/**
 * A view of the store as it was when the transaction began, and what was changed in it since. Nobody sees that before
 * `commit`, which does all of it or nothing (rules 47 and 48).
 */
export class Transaction implements Workspace {
  readonly #store: Store
  readonly #caller: Caller
  readonly #limits: XenstoreLimits
  /** `undefined` once the transaction was left behind: then it shows the store as it is, and changes nothing. */
  #own: { readonly base: Tree; tree: Tree } | undefined
  readonly #began: number
  readonly #observations = new Observations()
  /** Each path that was created, written, given other permissions or removed, in order, and whether it ever was removed. */
  readonly #touched = new Map<string, { removed: boolean }>()
  /** One event a path: that others should look there once more is all that they need to know. */
  readonly #events = new Map<string, NodeEvent>()
  readonly #nodeCounts = new Map<DomainRecord, number>()
  #cost = 0

  constructor(store: Store, caller: Caller, limits: XenstoreLimits) {
    this.#store = store
    this.#caller = caller
    this.#limits = limits
    this.#own = { base: store.tree, tree: store.tree }
    this.#began = store.writtenBytes
  }

  get tree(): Tree {
    return this.#own?.tree ?? this.#store.tree
  }

  /** How far the store has moved on since this began, in bytes written. */
  get driftBytes(): number {
    return this.#store.writtenBytes - this.#began
  }

  nodeCount(domain: DomainRecord): number {
    return domain.nodeCount + (this.#nodeCounts.get(domain) ?? 0)
  }

  observe(path: string): boolean {
    if (this.#own === undefined || this.#observations.hasNode(path)) return true
    if (!this.#caller.privileged && this.#observations.nodeCount >= this.#limits.transactionNodes) return false
    this.#observations.node(this.#own.base, path)
    return true
  }

  observeListing(path: string): void {
    if (this.#own !== undefined) this.#observations.listing(this.#own.base, path)
  }

  observeSubtree(path: string): void {
    if (this.#own !== undefined) this.#observations.subtree(this.#own.base, path)
  }

  apply(change: Change, events: readonly NodeEvent[]): void {
    if (this.#own === undefined) return
    this.#touch(change)
    forEachOwner(this.#own.tree, change, (domain, count) => {
      this.#nodeCounts.set(domain, (this.#nodeCounts.get(domain) ?? 0) + count)
    })
    this.#own.tree = changed(this.#own.tree, change, this.#store.nextGeneration())
    this.#cost += costOf(change)
    for (const event of events) {
      if (this.#events.get(event.path)?.exact !== false) this.#events.set(event.path, event)
    }
  }

  /** Lets go of what keeps memory: the store has moved on too far. Only EAGAIN can come of it now. */
  leaveBehind(): void {
    this.#own = undefined
    this.#observations.clear()
    this.#touched.clear()
    this.#events.clear()
    this.#nodeCounts.clear()
  }

  /** Makes the changes everybody's and fires their events. @returns why it did not, having changed nothing */
  commit(): WireError | undefined {
    const outcome = this.#outcome()
    if (typeof outcome === 'string') return outcome
    for (const [domain, count] of this.#nodeCounts) addToNodeCount(domain, count)
    this.#store.replace(outcome, this.#events.values(), this.#cost)
    return undefined
  }

  #outcome(): Tree | WireError {
    if (this.#own === undefined || !this.#ownersLive()) return 'EAGAIN'
    const { base, tree } = this.#own
    const live = this.#store.tree
    if (live !== base && !this.#observations.holdIn(live)) return 'EAGAIN'
    if (this.#touched.size === 0) return live
    if (this.#ownsTooMuch()) return 'ENOSPC'
    if (live === base) return tree
    return merged(live, tree, this.#touched, {
      generation: this.#store.nextGeneration(),
      nodeBytes: this.#caller.privileged ? Number.POSITIVE_INFINITY : this.#limits.nodeBytes,
    })
  }

  /** Others may have given this domain nodes meanwhile. */
  #ownsTooMuch(): boolean {
    const { domain, privileged } = this.#caller
    const more = this.#nodeCounts.get(domain) ?? 0
    return !privileged && more > 0 && domain.nodeCount + more > this.#limits.nodes
  }

  /** Nothing may come to belong to a domain that died meanwhile. */
  #ownersLive(): boolean {
    for (const domain of this.#nodeCounts.keys()) if (!domain.alive) return false
    return true
  }

  /** What was touched last comes last, so that what was created comes in the order of creation. */
  #touch(change: Change): void {
    const removed = change.kind === 'remove'
    const paths = change.kind === 'create' ? this.tree.descend(change.path).missing : [change.path]
    for (const path of paths) {
      const before = this.#touched.get(path)
      if (before !== undefined && !removed && change.kind !== 'create') continue
      this.#touched.delete(path)
      this.#touched.set(path, { removed: removed || (before?.removed ?? false) })
    }
  }
}
