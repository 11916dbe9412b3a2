import type { WireError } from '@split-driver/xenbus'
import type { StateRecord } from '../stream/records.js'
import type { JournalBatch } from './journal-entry.js'

/** What a server was when it was last heard of. */
export interface FoundState {
  readonly records: readonly StateRecord[]
  /** What happened after that. */
  readonly batches: readonly JournalBatch[]
  readonly generation: number
}

/** Where a server writes down what must outlive it. A client is told of nothing that is not written yet. */
export interface Journal {
  /** What there was before this server; nothing if it is the first. */
  readonly found: FoundState | undefined
  /** Something was appended and is not written yet: nothing may be sent to anybody. */
  readonly pending: boolean
  /** Why nothing may be changed now: the disk is full, or broken. */
  readonly refusal: WireError | undefined
  /** The server has taken up what was found. @param save all there is, for when the journal has grown too long */
  begin(save: () => SavedForJournal): void
  append(batch: JournalBatch): void
  /** Writes what was appended, if that is possible now. */
  flush(): void
  /** Calls once, when nothing is pending any more. */
  whenWritten(callback: () => void): void
}

export interface SavedForJournal {
  readonly records: Iterable<StateRecord>
  readonly generation: number
}
