import type { WireError } from '@split-driver/xenbus'
import type { StateRecord } from '../stream/records.js'
import type { JournalBatch, JournalEntry } from './journal-entry.js'

/** What a server was when it was last heard of. */
export interface FoundState {
  readonly records: readonly StateRecord[]
  /** What happened after that. */
  readonly batches: readonly JournalBatch[]
  readonly generation: number
  /** The machine has not been started anew since: domains and their rings may still be there. */
  readonly sameBoot: boolean
}

/** Where a server writes down what must outlive it. A client is told of nothing that is not written yet. */
export interface Journal {
  /** What there was before this server; nothing if it is the first. */
  readonly found: FoundState | undefined
  /** Something was appended and is not written yet: nothing may be sent to anybody. */
  readonly pending: boolean
  /** Why nothing may be changed now: the disk is full, or broken. */
  readonly refusal: WireError | undefined
  /** The server has taken up what was found; what was appended until then is in what is saved. @param save all there is, for when the journal has grown too long */
  begin(save: () => SavedForJournal): void
  append(batch: JournalBatch): void
  /** Writes what was appended, if that is possible now. */
  flush(): void
  /** Calls once, when nothing is pending any more. */
  whenWritten(callback: () => void): void
}

export interface SavedForJournal {
  readonly records: Iterable<StateRecord>
  /** What the records have no words for: who is served through a ring. */
  readonly entries: readonly JournalEntry[]
  readonly generation: number
}
