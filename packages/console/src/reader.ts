import type { ByteLog } from './byte-log.js'
import { DemandStream } from './demand-stream.js'

/** Bytes of one chunk at most: what a reader that has fallen behind gets at a time. */
const CHUNK_BYTES = 65_536

/** A console's output as one onlooker follows it. */
export interface ConsoleReader extends AsyncIterable<Uint8Array> {
  /** Raw bytes: whoever shows them on a terminal makes them `printable` first. Ends when the domain has gone. */
  readonly readable: ReadableStream<Uint8Array>
  /** Bytes that this reader missed because it was slower than the log is long. */
  readonly droppedBytes: number
  /** Stops following; what was not read is not delivered any more. Idempotent. */
  detach(): void
}

/**
 * Follows a log by keeping a place in it. It costs no memory of its own and holds nobody back: bytes that the log has
 * dropped before this reader came for them are counted and skipped.
 */
export class LogReader implements ConsoleReader {
  readonly #log: ByteLog
  readonly #stream: DemandStream
  readonly #onDetach: (reader: LogReader) => void
  #position: number
  #dropped = 0

  constructor(log: ByteLog, position: number, onDetach: (reader: LogReader) => void) {
    this.#log = log
    this.#position = position
    this.#onDetach = onDetach
    this.#stream = new DemandStream(
      () => this.#take(),
      () => onDetach(this),
    )
  }

  get readable(): ReadableStream<Uint8Array> {
    return this.#stream.readable
  }

  get droppedBytes(): number {
    return this.#dropped + Math.max(0, this.#log.start - this.#position)
  }

  detach(): void {
    this.#position = Number.POSITIVE_INFINITY
    this.#stream.end()
    this.#onDetach(this)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    const reader = this.readable.getReader()
    try {
      for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value
    } finally {
      await reader.cancel()
    }
  }

  /** The log has grown. */
  wake(): void {
    this.#stream.wake()
  }

  /** The log will not grow any more. */
  end(): void {
    this.#stream.end()
  }

  #take(): Uint8Array | undefined {
    this.#dropped = this.droppedBytes
    this.#position = Math.max(this.#position, this.#log.start)
    const length = Math.min(this.#log.end - this.#position, CHUNK_BYTES)
    if (length <= 0) return undefined
    const bytes = new Uint8Array(length)
    this.#log.copy(this.#position, bytes)
    this.#position += length
    return bytes
  }
}
