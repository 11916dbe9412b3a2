/**
 * Lets writes of whole sectors overlap, and a write that first reads what it will write back run alone. In the order of
 * the calls, and whether or not one fails.
 */
export class WriteOrder {
  /** Done when the last lone write and everything before it are. */
  #alone: Promise<unknown> | undefined
  readonly #together = new Set<Promise<void>>()

  /** Runs `write` beside others of its kind. */
  together(write: () => Promise<void>): Promise<void> {
    const written = this.#alone === undefined ? write() : this.#alone.then(write)
    this.#together.add(written)
    const forget = () => this.#together.delete(written)
    written.then(forget, forget)
    return written
  }

  /** Runs `write` when all before it are done, and lets none after it begin before it is done. */
  alone(write: () => Promise<void>): Promise<void> {
    const written = Promise.allSettled([this.#alone, ...this.#together]).then(write)
    const done = written
      .catch(() => undefined)
      .then(() => {
        if (this.#alone === done) this.#alone = undefined
      })
    this.#alone = done
    return written
  }
}
