import type { Domid } from '@split-driver/abi'
import type { StoreRecorder, Touched } from '../../tree/store.js'
import type { Tree } from '../../tree/tree.js'
import type { Change } from '../../tree/workspace.js'
import type { Journal } from './journal.js'
import type { JournalEntry } from './journal-entry.js'
import { stepsOfChange, stepsOfCommit } from './steps.js'

/** Writes into a journal what happens to a server. */
export class JournalRecorder implements StoreRecorder {
  readonly #journal: Journal
  readonly #generation: () => number

  /** @param generation the last that was given out */
  constructor(journal: Journal, generation: () => number) {
    this.#journal = journal
    this.#generation = generation
  }

  change(before: Tree, change: Change): void {
    this.#append(stepsOfChange(before, change))
  }

  commit(after: Tree, touched: Touched): void {
    this.#append(stepsOfCommit(after, touched))
  }

  died(domid: Domid): void {
    this.#append([{ kind: 'DIED', domid }])
  }

  /** The change that is being recorded is yet to get its generation. */
  #append(entries: readonly JournalEntry[]): void {
    this.#journal.append({ entries, generation: this.#generation() + 1 })
  }
}
