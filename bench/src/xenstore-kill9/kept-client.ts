import type { Domid } from '@split-driver/abi'
import type { SeededRandom } from '@split-driver/conformance'
import type { PermissionKind, XenStoreClient, XenStoreOperations } from '@split-driver/xenbus'
import { type KeptChange, KeptSubtree } from './kept-subtree.js'

const NAMES = ['a', 'b', 'c'] as const
const KINDS: readonly PermissionKind[] = ['none', 'read', 'write', 'both']

/** Changes that are under way at once, at most. */
const PIPELINED = 8

/** A client with a part of the store of its own, and the ledger of what it was told and of what it still waits for. */
export class KeptClient {
  readonly #top: string
  readonly #random: SeededRandom
  #acknowledged: KeptSubtree
  #underWay: KeptChange[] = []
  #written = 0
  readonly #onAcknowledged: () => void

  constructor(index: number, random: SeededRandom, onAcknowledged: () => void) {
    this.#onAcknowledged = onAcknowledged
    this.#top = `/kept/${index}`
    this.#random = random
    this.#acknowledged = KeptSubtree.empty(this.#top)
  }

  /** Asks for one thing after the other, several at a time, until the daemon is gone. */
  async work(client: XenStoreClient): Promise<void> {
    try {
      for (;;) await this.#burst(client)
    } catch (error) {
      if (!client.closed) throw error
    }
  }

  /**
   * Looks at what a daemon has found: it must be what was acknowledged, and as many whole changes beyond as it had got to of
   * those that were under way, in their order.
   * @returns what is wrong
   */
  async check(client: XenStoreClient): Promise<string | undefined> {
    const found = await KeptSubtree.read(client, this.#top)
    const expected = this.#acknowledged
    let state = expected
    const more = this.#underWay
    this.#underWay = []
    this.#acknowledged = found
    if (state.equals(found)) return undefined
    for (const change of more) {
      state = state.after(change)
      if (state.equals(found)) return undefined
    }
    return `${this.#top} is [${found}], acknowledged was [${expected}], under way was ${JSON.stringify(more).slice(0, 400)}`
  }

  /** Each is its own, so a later one never rests on an earlier one's failure: all that is asked succeeds. */
  async #burst(client: XenStoreClient): Promise<void> {
    let state = this.#acknowledged
    const changes: KeptChange[] = []
    for (let i = 1 + this.#random.below(PIPELINED); i > 0; i--) {
      const change = this.#choose(state, true)
      state = state.after(change)
      changes.push(change)
      // A transaction's own requests come in more than one round, so nothing may be asked for beside it.
      if (change.kind === 'transaction') break
    }
    this.#underWay = changes
    const before = changes.slice(0, -1).map((change) => this.#ask(client, change))
    const last = changes.at(-1)!
    if (last.kind === 'transaction') await Promise.all(before)
    await Promise.all([...before, this.#ask(client, last)])
  }

  async #ask(client: XenStoreClient, change: KeptChange): Promise<void> {
    if (change.kind === 'transaction')
      await client.transaction(async (transaction) => {
        await Promise.all(change.changes.map((each) => perform(transaction, each)))
      })
    else await perform(client, change)
    this.#acknowledged = this.#acknowledged.after(change)
    this.#underWay.shift()
    this.#onAcknowledged()
  }

  #choose(state: KeptSubtree, whole: boolean): KeptChange {
    const choice = this.#random.below(whole ? 10 : 8)
    if (choice >= 8) return this.#transaction(state)
    const path = this.#path()
    if (choice < 4 || !state.has(path)) return { kind: 'write', path, value: this.#value() }
    if (choice === 4) return { kind: 'mkdir', path }
    if (choice === 5) return { kind: 'rm', path }
    const permissions = [0, 1 + this.#random.below(3)].map((domid) => ({
      domid: domid as Domid,
      kind: this.#random.pick(KINDS),
    }))
    return { kind: 'permit', path, permissions }
  }

  #transaction(before: KeptSubtree): KeptChange {
    const changes: KeptChange[] = []
    let state = before
    for (let i = 2 + this.#random.below(5); i > 0; i--) {
      const change = this.#choose(state, false)
      state = state.after(change)
      changes.push(change)
    }
    return { kind: 'transaction', changes }
  }

  #path(): string {
    const names = Array.from({ length: 1 + this.#random.below(3) }, () => this.#random.pick(NAMES))
    return [this.#top, ...names].join('/')
  }

  /** No two are equal; some are long. */
  #value(): string {
    this.#written += 1
    return `${this.#written} ${'v'.repeat(this.#random.below(8) === 0 ? 3000 : this.#random.below(40))}`
  }
}

const perform = (store: XenStoreOperations, change: KeptChange): Promise<void> => {
  switch (change.kind) {
    case 'write':
      return store.write(change.path, change.value)
    case 'mkdir':
      return store.mkdir(change.path)
    case 'rm':
      return store.rm(change.path)
    case 'permit':
      return store.setPermissions(change.path, change.permissions)
    case 'transaction':
      throw new RangeError('there is no transaction in a transaction')
  }
}
