import { closeSync, fsyncSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { XenError } from '@split-driver/abi'
import type { WireError } from '@split-driver/xenbus'
import type { FoundState, Journal, SavedForJournal } from '../state/journal/journal.js'
import { encodeBatch, type JournalBatch, joinBatches } from '../state/journal/journal-entry.js'
import { readStream } from '../state/stream/read-stream.js'
import { writeStream } from '../state/stream/write-stream.js'
import { type FileWriter, JournalFile, REAL_FILES } from './journal-file.js'
import { encodeHeader, frame, readJournal } from './journal-format.js'
import { listenAlone } from './listen-alone.js'
import { listenPrivately } from './listen-privately.js'

export interface JournalFolderOptions {
  /** Wait for the disk, not only for the kernel: what was acknowledged survives a loss of power, too. */
  readonly sync?: boolean
  readonly files?: FileWriter
  /** Names the machine's life since it was started; the kernel's own name for it unless given. */
  readonly boot?: string
  /** Something that an operator should know, such as that the daemon was killed while it wrote. */
  readonly onNote?: (note: string) => void
  /**
   * Runs a function when requests that are there have been looked at. Unless given, that is a turn of the event loop with
   * `sync`, since a disk is slow and all should wait for it together, and a client's turn without.
   */
  readonly later?: (run: () => void) => void
}

/** A journal is begun anew when it is this much longer than all that it makes up, and not before it has this length. */
const GROWTH = 2
const LEAST_BYTES = 1024 * 1024

/** Room that there must be before a change is made. What needs more may find none when it is made already, and waits. */
const ROOM_BYTES = 256 * 1024

/** How long the disk is left alone after it refused something. */
const REST_MS = 200

/**
 * A folder that holds a XenStore: `state-N`, which is a stream of the documented format, and `journal-N`, what happened
 * since. The highest N that has both counts. One daemon at a time has a folder.
 */
export class JournalFolder implements Journal, AsyncDisposable {
  readonly found: FoundState | undefined
  readonly #folder: string
  readonly #options: JournalFolderOptions
  readonly #lock: Server
  readonly #boot: string
  #number: number
  #file: JournalFile | undefined
  #save: () => SavedForJournal = () => ({ records: [], entries: [], generation: 0 })
  #snapshotBytes = 0
  #compactAt = 0
  /** Written at once, as one: what happened in a turn of somebody's is there whole, or not at all. */
  readonly #appended: Uint8Array[] = []
  /** What is under way in a ring ends with the power, and need not survive its loss. */
  #mustSync = false
  readonly #waiting = new Set<() => void>()
  #scheduled = false
  #trouble: WireError | undefined
  #retry: NodeJS.Timeout | undefined

  /**
   * Makes the folder if there is none.
   * @throws XenError EBUSY if a daemon has it, EPROTO if what is in it makes no sense, EOPNOTSUPP if a later version of
   * ours wrote it; what the system says otherwise
   */
  static async open(folder: string, options: JournalFolderOptions = {}): Promise<JournalFolder> {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const lock = createServer((socket) => socket.destroy())
    const path = join(folder, 'lock')
    await listenAlone(
      path,
      () => listenPrivately(lock, path),
      async () => new XenError('EBUSY', `another XenStore daemon keeps its state in ${folder}: choose another folder`),
    )
    lock.unref()
    try {
      return new JournalFolder(folder, options, lock)
    } catch (error) {
      lock.close()
      throw error
    }
  }

  private constructor(folder: string, options: JournalFolderOptions, lock: Server) {
    this.#folder = folder
    this.#options = options
    this.#lock = lock
    this.#boot = options.boot ?? bootId()
    this.#number = newestIn(folder)
    this.found = this.#number === 0 ? undefined : this.#find()
  }

  get pending(): boolean {
    return this.#appended.length > 0
  }

  get refusal(): WireError | undefined {
    if (this.#trouble === undefined) this.#try(() => this.#file?.reserve(ROOM_BYTES))
    return this.#trouble
  }

  begin(save: () => SavedForJournal): void {
    this.#save = save
    this.#appended.length = 0
    this.#compact()
    this.flush()
  }

  append(batch: JournalBatch): void {
    this.#appended.push(encodeBatch(batch))
    this.#mustSync ||= batch.entries.some(({ kind }) => kind !== 'RING')
    if (this.#scheduled) return
    this.#scheduled = true
    const { sync = false, later = sync ? setImmediate : queueMicrotask } = this.#options
    later(() => this.flush())
  }

  whenWritten(callback: () => void): void {
    this.#waiting.add(callback)
  }

  /** Writes what was appended, all of it at once, and tells those who wait. */
  flush(): void {
    this.#scheduled = false
    if (this.#file === undefined) return
    if (this.#appended.length > 0 && !this.#try(() => this.#write())) return
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const callback of waiting) callback()
    if (this.#file.length > this.#compactAt) this.#tryToCompact()
  }

  /** Writes the last there is and lets go of the folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#retry)
    this.flush()
    this.#file?.[Symbol.dispose]()
    this.#file = undefined
    await new Promise((resolve) => this.#lock.close(resolve))
  }

  #write(): void {
    this.#file!.append(frame(joinBatches(this.#appended)))
    if (this.#options.sync && this.#mustSync) this.#file!.sync()
    this.#appended.length = 0
    this.#mustSync = false
  }

  /** @returns whether the disk took it. If not, changes are refused, and what is appended is tried again after a while. */
  #try(work: () => void): boolean {
    try {
      work()
      if (this.#trouble !== undefined) this.#note('the journal can be written again')
      this.#trouble = undefined
      return true
    } catch (error) {
      if (this.#trouble === undefined) this.#note(`the journal cannot be written, changes are refused: ${error}`)
      this.#trouble = codeOf(error) === 'ENOSPC' || codeOf(error) === 'EDQUOT' ? 'ENOSPC' : 'EIO'
      this.#retry ??= setTimeout(() => this.#tryAgain(), REST_MS)
      return false
    }
  }

  #tryAgain(): void {
    this.#retry = undefined
    if (this.#try(() => this.#file?.reserve(ROOM_BYTES))) this.flush()
  }

  #tryToCompact(): void {
    try {
      this.#compact()
    } catch (error) {
      this.#compactAt = 2 * this.#file!.length
      this.#note(`the journal could not be begun anew, and goes on: ${error}`)
    }
  }

  /** From now on there is a state with all that there is, and an empty journal. */
  #compact(): void {
    const next = this.#number + 1
    const { records, entries, generation } = this.#save()
    const stream = writeStream(records)
    const temporary = join(this.#folder, 'state.new')
    writeFileSync(temporary, stream, { mode: 0o600, flush: true })
    const file = new JournalFile(
      this.#path('journal', next),
      encodeHeader(generation, this.#boot),
      this.#options.files ?? REAL_FILES,
    )
    try {
      if (entries.length > 0) file.append(frame(encodeBatch({ entries, generation })))
      file.sync()
      renameSync(temporary, this.#path('state', next))
    } catch (error) {
      file[Symbol.dispose]()
      throw error
    }
    this.#file?.[Symbol.dispose]()
    this.#file = file
    this.#number = next
    this.#snapshotBytes = stream.length
    this.#compactAt = Math.max(LEAST_BYTES, GROWTH * this.#snapshotBytes)
    syncFolder(this.#folder)
    this.#removeOlder()
  }

  #find(): FoundState {
    const path = this.#path('state', this.#number)
    const { records } = readStream(readFileSync(path))
    const journal = this.#path('journal', this.#number)
    const { batches, generation, boot, tornBytes } = readJournal(readFileSync(journal), journal)
    if (tornBytes > 0)
      this.#note(`${journal}: the last ${tornBytes} bytes were not written to their end, and are dropped`)
    return { records, batches, generation, sameBoot: boot !== '' && boot === this.#boot }
  }

  #removeOlder(): void {
    for (const name of readdirSync(this.#folder)) {
      const number = numberOf(name)
      if (number !== undefined && number < this.#number) rmSync(join(this.#folder, name), { force: true })
    }
  }

  #path(kind: 'state' | 'journal', number: number): string {
    return join(this.#folder, `${kind}-${number}`)
  }

  #note(note: string): void {
    this.#options.onNote?.(note)
  }
}

/** Empty where there is no such file: then no boot is like another. */
const bootId = (): string => {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
  } catch {
    return ''
  }
}

const numberOf = (name: string): number | undefined => {
  const [, digits] = /^(?:state|journal)-([1-9][0-9]*)$/.exec(name) ?? []
  return digits === undefined ? undefined : Number(digits)
}

/** The number of the last state that was written to its end; 0 if there is none. */
const newestIn = (folder: string): number => {
  const states = readdirSync(folder).filter((name) => name.startsWith('state-'))
  return Math.max(0, ...states.flatMap((name) => numberOf(name) ?? []))
}

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined)

/** So that a name is not lost with the power. */
const syncFolder = (folder: string): void => {
  const fd = openSync(folder, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
