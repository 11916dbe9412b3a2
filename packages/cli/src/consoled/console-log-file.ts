import { type FileHandle, open } from 'node:fs/promises'
import type { ConsoleBackend, ConsoleReader } from '@split-driver/console'

export interface LogFileEvents {
  /** The file cannot be opened, or bytes could not be written: they are missing in it. */
  onError(error: Error): void
  /** The console was faster than the file: so many bytes are missing in it. */
  onDropped(bytes: number): void
}

const OWNER_ONLY = 0o600

/** Appends all that a console says to a file, byte for byte. */
export class ConsoleLogFile {
  readonly path: string
  /** Resolves when the file is open, or cannot be opened; never rejects. */
  readonly ready: Promise<void>
  /** Resolves when the console has ended and all of it is in the file; never rejects. */
  readonly done: Promise<void>
  readonly #events: LogFileEvents
  #dropped = 0

  /** @param after what to wait for before the file is opened: the end of whoever writes to it now */
  constructor(path: string, console: ConsoleBackend, events: LogFileEvents, after: Promise<void>) {
    this.path = path
    this.#events = events
    // At once, so that nothing is missed while the file is being opened.
    const reader = console.attachReader()
    const opened = after.then(() => this.#open(reader))
    this.ready = opened.then(() => undefined)
    this.done = opened.then((file) => file && this.#follow(reader, file)).catch((error: unknown) => this.#fail(error))
  }

  async #open(reader: ConsoleReader): Promise<FileHandle | undefined> {
    try {
      return await open(this.path, 'a', OWNER_ONLY)
    } catch (error) {
      reader.detach()
      this.#fail(error)
      return undefined
    }
  }

  async #follow(reader: ConsoleReader, file: FileHandle): Promise<void> {
    try {
      for await (const bytes of reader) {
        await this.#append(file, bytes)
        this.#countDropped(reader.droppedBytes)
      }
    } finally {
      await file.close()
    }
  }

  /** A full disk must not end the log for ever: what comes when there is room again is written again. */
  async #append(file: FileHandle, bytes: Uint8Array): Promise<void> {
    try {
      await file.appendFile(bytes)
    } catch (error) {
      this.#fail(error)
    }
  }

  #countDropped(dropped: number): void {
    if (dropped > this.#dropped) this.#events.onDropped(dropped - this.#dropped)
    this.#dropped = dropped
  }

  #fail(error: unknown): void {
    this.#events.onError(error instanceof Error ? error : new Error(String(error)))
  }
}
