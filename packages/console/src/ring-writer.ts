import { XenError } from '@split-driver/abi'

/** What a writer needs of its end of a byte ring. */
export interface WritableEnd {
  /** Stores what there is room for. @returns how many bytes */
  write(source: Uint8Array): number
  /** The peer's indices make no sense. */
  readonly broken: boolean
}

export interface RingWriterOptions {
  readonly end: WritableEnd
  /** Tells the peer that there are bytes. */
  readonly notify: () => void
  /** The end was found broken. Called each time it is found so. */
  readonly onBroken: () => void
  /** The stream was closed or aborted by its producer. */
  readonly onClose?: () => void
}

interface PendingWrite {
  /** What is still to be stored. */
  rest: Uint8Array
  readonly resolve: () => void
  readonly reject: (reason: unknown) => void
}

/**
 * Writes of any length into a ring of fixed size, in order. A write is done when all its bytes are in the ring; until
 * then the caller keeps them unchanged. When the ring is full it waits for the peer's event: `pump`.
 */
export class RingWriter {
  /** As a stream: one chunk at a time, so a full ring holds its producer back. Closing it closes nothing else. */
  readonly writable: WritableStream<Uint8Array>
  readonly #options: RingWriterOptions
  readonly #pending: PendingWrite[] = []
  #controller!: WritableStreamDefaultController
  /** The stream's own chunk, which an abort of the stream gives up. */
  #chunk: PendingWrite | undefined
  #failure: unknown

  constructor(options: RingWriterOptions) {
    this.#options = options
    const closed = () => options.onClose?.()
    this.writable = new WritableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller
        controller.signal.addEventListener('abort', () => this.#abort())
      },
      write: (chunk) => this.#enqueue(chunk, true),
      close: closed,
      abort: closed,
    })
  }

  /** @throws XenError CLOSED, or why the ring broke; the bytes that had not been stored are lost then */
  write(bytes: Uint8Array): Promise<void> {
    return this.#enqueue(bytes, false)
  }

  /** Stores what there is room for at once, ahead of writes that wait. @returns how many bytes */
  tryWriteSync(bytes: Uint8Array): number {
    if (this.#failure !== undefined) return 0
    const stored = this.#options.end.write(bytes)
    this.#announce(stored)
    return stored
  }

  /** Goes on with the writes that wait for room. */
  pump(): void {
    let stored = 0
    for (let first = this.#pending[0]; first !== undefined; first = this.#pending[0]) {
      const count = this.#options.end.write(first.rest)
      stored += count
      if (count < first.rest.length) {
        first.rest = first.rest.subarray(count)
        break
      }
      this.#pending.shift()
      first.resolve()
    }
    this.#announce(stored)
  }

  #announce(stored: number): void {
    if (stored > 0) this.#options.notify()
    if (this.#options.end.broken) this.#options.onBroken()
  }

  /** Ends everything that waits, and the stream, with `reason`. */
  fail(reason: XenError): void {
    if (this.#failure !== undefined) return
    this.#failure = reason
    for (const pending of this.#pending.splice(0)) pending.reject(reason)
    this.#controller.error(reason)
  }

  #enqueue(bytes: Uint8Array, fromStream: boolean): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => {
      const pending = { rest: bytes, resolve, reject }
      if (fromStream) this.#chunk = pending
      this.#pending.push(pending)
      if (this.#pending.length === 1) this.pump()
    })
  }

  #abort(): void {
    const chunk = this.#chunk
    const at = chunk === undefined ? -1 : this.#pending.indexOf(chunk)
    if (at < 0) return
    this.#pending.splice(at, 1)
    chunk?.reject(new XenError('ABORTED', 'the console stream was aborted'))
  }
}
