import type { WireError } from '@split-driver/xenbus'
import type { Caller, DomainRecord } from '../domains/domain-record.js'
import { chargeChange, chargeMerge, storedBytes } from '../tree/accounting.js'
import { changed, chargeAccount, costOf, type Store } from '../tree/store.js'
import type { Tree } from '../tree/tree.js'
import type { Change, NodeEvent, Workspace } from '../tree/workspace.js'
import { merged } from './merge.js'
import { Observations } from './observations.js'

/** A path, and whether it was removed, or its event is exact. */
interface FlaggedPath {
  readonly path: string
  readonly flag: boolean
}

/** A transaction as it can be taken elsewhere. */
export interface SavedTransaction {
  /** `undefined` if it was left behind. */
  readonly trees: { readonly base: Tree; readonly tree: Tree } | undefined
  readonly driftBytes: number
  readonly cost: number
  readonly heldBytes: number
  readonly nodes: readonly string[]
  readonly listings: readonly string[]
  readonly subtrees: readonly string[]
  readonly touched: readonly FlaggedPath[]
  readonly events: readonly FlaggedPath[]
  readonly nodeCounts: ReadonlyMap<DomainRecord, number>
}

/**
 * A view of the store as it was when the transaction began, and what was changed in it since. Nobody sees that before
 * `commit`, which does all of it or nothing (rules 47 and 48).
 */
export class Transaction implements Workspace {
  readonly startedAt: number
  readonly #store: Store
  readonly #caller: Caller
  /** `undefined` once the transaction was left behind: then it shows the store as it is, and changes nothing. */
  #own: { readonly base: Tree; tree: Tree } | undefined
  #began: number
  readonly #observations = new Observations()
  /** Each path that was created, written, given other permissions or removed, in order, and whether it ever was removed. */
  readonly #touched = new Map<string, { removed: boolean }>()
  /** One event a path: that others should look there once more is all that they need to know. */
  readonly #events = new Map<string, NodeEvent>()
  readonly #nodeCounts = new Map<DomainRecord, number>()
  #cost = 0
  /** Bytes that this takes of its domain's memory while it is open. @see core.c get_acc_domid */
  #heldBytes = 0
  #rival: DomainRecord | undefined

  /** @param startedAt milliseconds of the server's clock */
  constructor(store: Store, caller: Caller, startedAt = 0) {
    this.startedAt = startedAt
    this.#store = store
    this.#caller = caller
    const base = store.snapshot()
    this.#own = { base, tree: base }
    this.#began = store.writtenBytes
  }

  get tree(): Tree {
    return this.#own?.tree ?? this.#store.tree
  }

  /** How far the store has moved on since this began, in bytes written. */
  get driftBytes(): number {
    return this.#store.writtenBytes - this.#began
  }

  /** Who made the commit fail, if it is known. */
  get rival(): DomainRecord | undefined {
    return this.#rival
  }

  /** Bytes that this takes of its domain's memory. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  nodeCount(domain: DomainRecord): number {
    return domain.account.used.nodes + (this.#nodeCounts.get(domain) ?? 0)
  }

  /** Whoever has the transaction pays for all that is in it, until it ends. */
  canHold(_domain: DomainRecord, bytes: number): boolean {
    return this.#caller.domain.account.hasMemory(bytes)
  }

  observe(path: string): WireError | undefined {
    if (this.#own === undefined || this.#observations.hasNode(path)) return undefined
    const node = this.#own.base.get(path)
    const bytes = node === undefined ? path.length : storedBytes(path, node)
    const { privileged, domain } = this.#caller
    if (!privileged && !domain.account.allows('transaction-nodes', this.#observations.nodeCount + 1)) return 'ENOSPC'
    if (!privileged && !domain.account.hasMemory(bytes)) return 'ENOMEM'
    this.#observations.node(this.#own.base, path)
    this.#hold(bytes)
    return undefined
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
    let bytes = 0
    chargeChange(this.#own.tree, change, (domain, nodes, more) => {
      if (nodes !== 0) this.#nodeCounts.set(domain, (this.#nodeCounts.get(domain) ?? 0) + nodes)
      bytes += more
    })
    this.#hold(bytes)
    this.#own.tree = changed(this.#own.tree, change, this.#store.nextGeneration())
    this.#cost += costOf(change)
    for (const event of events) {
      if (this.#events.get(event.path)?.exact !== false) this.#events.set(event.path, event)
    }
  }

  /** All that its end depends on. */
  save(): SavedTransaction {
    return {
      trees: this.#own && { ...this.#own },
      driftBytes: this.driftBytes,
      cost: this.#cost,
      heldBytes: this.#heldBytes,
      ...this.#observations.paths(),
      touched: [...this.#touched].map(([path, { removed }]) => ({ path, flag: removed })),
      events: [...this.#events.values()].map(({ path, exact }) => ({ path, flag: exact })),
      nodeCounts: this.#nodeCounts,
    }
  }

  /** A transaction that was open elsewhere, as it was. */
  static restore(store: Store, caller: Caller, beganAt: number, saved: SavedTransaction): Transaction {
    const transaction = new Transaction(store, caller, beganAt)
    transaction.#own = saved.trees && { ...saved.trees }
    transaction.#began -= saved.driftBytes
    transaction.#cost = saved.cost
    transaction.#hold(saved.heldBytes)
    if (saved.trees !== undefined) {
      const { base } = saved.trees
      for (const path of saved.nodes) transaction.#observations.node(base, path)
      for (const path of saved.listings) transaction.#observations.listing(base, path)
      for (const path of saved.subtrees) transaction.#observations.subtree(base, path)
    }
    for (const { path, flag } of saved.touched) transaction.#touched.set(path, { removed: flag })
    for (const { path, flag } of saved.events) transaction.#events.set(path, { path, exact: flag })
    for (const [domain, count] of saved.nodeCounts) transaction.#nodeCounts.set(domain, count)
    return transaction
  }

  /** Lets go of what keeps memory: the store has moved on too far. Only EAGAIN can come of it now. */
  leaveBehind(): void {
    this.release()
    this.#own = undefined
    this.#observations.clear()
    this.#touched.clear()
    this.#events.clear()
    this.#nodeCounts.clear()
  }

  /** Its domain has its memory back; to be called when this ends, before a commit. Idempotent. */
  release(): void {
    this.#hold(-this.#heldBytes)
  }

  /** Makes the changes everybody's and fires their events. @returns why it did not, having changed nothing */
  commit(): WireError | undefined {
    const outcome = this.#outcome()
    if (typeof outcome === 'string') return outcome
    chargeMerge(this.#store.tree, outcome, this.#touched, chargeAccount)
    this.#store.commit(outcome, this.#events.values(), this.#cost, this.#touched)
    return undefined
  }

  #outcome(): Tree | WireError {
    if (this.#own === undefined || !this.#ownersLive()) return 'EAGAIN'
    const { base, tree } = this.#own
    const live = this.#store.tree
    if (live !== base && !this.#observations.holdIn(live)) {
      this.#rival = this.#store.actorOf(this.#observations.changeIn(live))
      return 'EAGAIN'
    }
    if (this.#touched.size === 0) return live
    if (this.#ownsTooMuch()) return 'ENOSPC'
    if (live === base) return tree
    const { privileged, domain } = this.#caller
    return merged(live, tree, this.#touched, {
      generation: this.#store.nextGeneration(),
      allowsNode: (bytes) => privileged || domain.account.allows('node-size', bytes),
    })
  }

  /** Others may have given this domain nodes meanwhile. */
  #ownsTooMuch(): boolean {
    const { domain, privileged } = this.#caller
    const more = this.#nodeCounts.get(domain) ?? 0
    return !privileged && more > 0 && !domain.account.hasRoom('nodes', more)
  }

  /** Nothing may come to belong to a domain that died meanwhile. */
  #ownersLive(): boolean {
    for (const domain of this.#nodeCounts.keys()) if (!domain.alive) return false
    return true
  }

  #hold(bytes: number): void {
    const held = Math.max(0, this.#heldBytes + bytes)
    if (held === this.#heldBytes) return
    this.#caller.domain.account.add('memory', held - this.#heldBytes)
    this.#heldBytes = held
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
