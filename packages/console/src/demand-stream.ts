/**
 * A ReadableStream over something that is asked when the reader wants bytes, and that calls `wake` when it may have some
 * again. Nothing is fetched ahead of demand, so back-pressure reaches the source.
 */
export class DemandStream {
  readonly readable: ReadableStream<Uint8Array>
  readonly #take: () => Uint8Array | undefined
  #controller!: ReadableStreamDefaultController<Uint8Array>
  #wanted = false
  #ended = false
  #settled = false

  /**
   * @param take bytes that are there now, or undefined; must not throw
   * @param onCancel the reader has lost interest
   */
  constructor(take: () => Uint8Array | undefined, onCancel: () => void) {
    this.#take = take
    this.readable = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller
        },
        pull: () => {
          this.#wanted = true
          this.wake()
        },
        cancel: () => {
          this.#settled = true
          onCancel()
        },
      },
      { highWaterMark: 0 },
    )
  }

  /** There may be bytes. */
  wake(): void {
    if (this.#settled || !this.#wanted) return
    const bytes = this.#take()
    if (bytes !== undefined && !this.#settled) {
      this.#wanted = false
      this.#controller.enqueue(bytes)
    } else if (this.#ended) this.#close()
  }

  /** No more will come than can be taken now; the reader sees the end after that. */
  end(): void {
    this.#ended = true
    this.wake()
  }

  /** The reader sees `reason` in place of more bytes. */
  fail(reason: unknown): void {
    if (this.#settled) return
    this.#settled = true
    this.#controller.error(reason)
  }

  #close(): void {
    if (this.#settled) return
    this.#settled = true
    this.#controller.close()
  }
}
