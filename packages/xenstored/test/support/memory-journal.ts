import type { FoundState, Journal, JournalBatch, SavedForJournal, StateRecord } from '@split-driver/xenstored'

/** A journal whose other side a test is: it says when something is written, and sees everything. */
export class MemoryJournal implements Journal {
  readonly found: FoundState | undefined
  readonly refusal = undefined
  pending = false
  /** Everything counts as written at once. */
  readonly #atOnce: boolean
  #first: SavedForJournal = { records: [], generation: 0 }
  #save = (): SavedForJournal => this.#first
  readonly #batches: JournalBatch[] = []
  readonly #waiting = new Set<() => void>()

  constructor(found?: FoundState, { atOnce = true } = {}) {
    this.found = found
    this.#atOnce = atOnce
  }

  begin(save: () => SavedForJournal): void {
    const { records, generation } = save()
    this.#first = { records: [...records], generation }
    this.#save = save
  }

  append(batch: JournalBatch): void {
    this.#batches.push(batch)
    this.pending = !this.#atOnce
  }

  whenWritten(callback: () => void): void {
    this.#waiting.add(callback)
  }

  flush(): void {
    if (this.#atOnce) this.write()
  }

  write(): void {
    this.pending = false
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const callback of waiting) callback()
  }

  /** What the next server finds. */
  leave(): FoundState {
    const records = [...this.#first.records]
    return { records, batches: this.#batches, generation: this.#batches.at(-1)?.generation ?? this.#first.generation }
  }

  /** What the server holds now. */
  saved(): readonly StateRecord[] {
    return [...this.#save().records]
  }
}
