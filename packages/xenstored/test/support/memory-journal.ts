import type { FoundState, Journal, JournalBatch, SavedForJournal, StateRecord } from '@split-driver/xenstored'

/** A journal whose other side a test is: it says when something is written, and sees everything. */
export class MemoryJournal implements Journal {
  readonly found: FoundState | undefined
  readonly refusal = undefined
  pending = false
  #written = 0
  /** Everything counts as written at once. */
  readonly #atOnce: boolean
  #first: SavedForJournal = { records: [], entries: [], generation: 0 }
  #save = (): SavedForJournal => this.#first
  readonly #batches: JournalBatch[] = []
  readonly #waiting = new Set<() => void>()

  constructor(found?: FoundState, { atOnce = true } = {}) {
    this.found = found
    this.#atOnce = atOnce
  }

  begin(save: () => SavedForJournal): void {
    const { records, entries, generation } = save()
    this.#first = { records: [...records], entries, generation }
    this.#save = save
    this.#batches.length = 0
    this.write()
  }

  append(batch: JournalBatch): void {
    this.#batches.push(batch)
    this.pending = !this.#atOnce
    if (this.#atOnce) this.#written = this.#batches.length
  }

  whenWritten(callback: () => void): void {
    this.#waiting.add(callback)
  }

  flush(): void {
    if (this.#atOnce) this.write()
  }

  write(): void {
    this.pending = false
    this.#written = this.#batches.length
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const callback of waiting) callback()
  }

  /** What the next server finds, if this one is killed now. */
  leave({ sameBoot = true } = {}): FoundState {
    const { records, entries, generation } = this.#first
    const batches = [...(entries.length > 0 ? [{ entries, generation }] : []), ...this.#batches.slice(0, this.#written)]
    return { records: [...records], batches, generation: batches.at(-1)?.generation ?? generation, sameBoot }
  }

  /** What the server holds now. */
  saved(): readonly StateRecord[] {
    return [...this.#save().records]
  }
}
