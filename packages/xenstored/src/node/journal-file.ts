import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'

/** What a journal does to the file system; a test may put a full disk in its place. */
export interface FileWriter {
  write(fd: number, bytes: Uint8Array, position: number): number
  sync(fd: number): void
}

export const REAL_FILES: FileWriter = {
  write: (fd, bytes, position) => writeSync(fd, bytes, 0, bytes.length, position),
  sync: (fd) => fdatasyncSync(fd),
}

const OWNER_ONLY = 0o600

/**
 * Room is taken before it is needed, a piece at a time, so that a disk that is full is noticed before a change is made and
 * not after.
 */
const PIECE_BYTES = 256 * 1024
const ZEROS = new Uint8Array(PIECE_BYTES)

/** A file that only grows, and that always has room for some more. */
export class JournalFile implements Disposable {
  readonly #files: FileWriter
  readonly #fd: number
  /** Up to here there is something. */
  #length = 0
  /** Up to here there are zeros. */
  #reserved = 0

  /** Begins a new file. @throws what the system says */
  constructor(path: string, header: Uint8Array, files: FileWriter) {
    this.#files = files
    this.#fd = openSync(path, 'w', OWNER_ONLY)
    this.append(header)
  }

  get length(): number {
    return this.#length
  }

  /** Makes sure of room for `bytes` more. @throws what the system says, such as ENOSPC */
  reserve(bytes: number): void {
    while (this.#reserved < this.#length + bytes) {
      this.#writeAll(ZEROS, this.#reserved)
      this.#reserved += ZEROS.length
    }
  }

  /** Returns when the kernel has it. @throws what the system says; nothing was appended then */
  append(bytes: Uint8Array): void {
    this.reserve(bytes.length)
    this.#writeAll(bytes, this.#length)
    this.#length += bytes.length
  }

  /** Returns when the disk has it. */
  sync(): void {
    this.#files.sync(this.#fd)
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd)
  }

  #writeAll(bytes: Uint8Array, position: number): void {
    for (let at = 0; at < bytes.length; ) at += this.#files.write(this.#fd, bytes.subarray(at), position + at)
  }
}
