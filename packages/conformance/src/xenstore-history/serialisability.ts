import { type HistoryUnit, precedes, shownUnit } from './history.js'
import { type SequentialState, served, stateKey } from './sequential-store.js'

/**
 * Looks for one order of all units of a history that keeps to real time and in which a store that serves one after the
 * other answers as it did: then the history is strictly serialisable. It tries all orders, and remembers where it has been.
 * @see Wing & Gong, "Testing and Verifying Concurrent Objects"; Lowe, "Testing for Linearizability" for the memory
 */
class SerialisationSearch {
  readonly #units: readonly HistoryUnit[]
  /** For each unit, those that must come before it. */
  readonly #earlier: readonly (readonly number[])[]
  readonly #done: boolean[]
  readonly #seen = new Set<string>()
  #most = 0
  #stuck: readonly HistoryUnit[]

  constructor(units: readonly HistoryUnit[]) {
    // The order of replies is mostly the right one, so it is tried first.
    this.#units = [...units].sort((a, b) => a.returned - b.returned)
    this.#earlier = this.#units.map((unit) => [...this.#units.keys()].filter((i) => precedes(this.#units[i]!, unit)))
    this.#done = this.#units.map(() => false)
    this.#stuck = this.#units
  }

  /** Those of the units that fit in no order, of the best try. */
  get stuck(): readonly HistoryUnit[] {
    return this.#stuck
  }

  /** @returns whether what is not done yet can be served from this state on */
  succeeds(state: SequentialState, count = 0): boolean {
    if (count === this.#units.length) return true
    const place = `${this.#done.map(Number).join('')} ${stateKey(state)}`
    if (this.#seen.has(place)) return false
    this.#seen.add(place)
    this.#note(count)
    return this.#units.some((unit, index) => this.#mayBeNext(index) && this.#tryNext(unit, index, state, count))
  }

  #tryNext({ steps, effective }: HistoryUnit, index: number, state: SequentialState, count: number): boolean {
    const after = served(state, steps)
    if (after === undefined) return false
    this.#done[index] = true
    const found = this.succeeds(effective ? after : state, count + 1)
    this.#done[index] = false
    return found
  }

  #mayBeNext(index: number): boolean {
    return !this.#done[index] && this.#earlier[index]!.every((earlier) => this.#done[earlier])
  }

  #note(count: number): void {
    if (count < this.#most) return
    this.#most = count
    this.#stuck = this.#units.filter((_, index) => !this.#done[index])
  }
}

/**
 * Is there one order of the units that explains all replies?
 * @param initial what the store held before
 * @returns `undefined` if there is, else the units that no order has a place for
 */
export const explainSerially = (units: readonly HistoryUnit[], initial: SequentialState): string | undefined => {
  const search = new SerialisationSearch(units)
  if (search.succeeds(initial)) return undefined
  return `no order explains ${search.stuck.map(shownUnit).join('; ')}`
}
