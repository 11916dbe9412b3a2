/** A result that is there at once, or a promise of it. */
export type Pending = void | Promise<void>

/**
 * The parts of one transfer, which run side by side. Whoever waits for them learns of a failure only when none of them
 * is in work any more: until then they may touch the caller's memory.
 */
export class Parts {
  readonly #pending: Promise<void>[] = []
  readonly #failures: unknown[] = []

  add(part: () => Pending): void {
    try {
      const pending = part()
      if (pending !== undefined) this.#pending.push(pending.catch((error: unknown) => void this.#failures.push(error)))
    } catch (error) {
      this.#failures.push(error)
    }
  }

  done(): Pending {
    if (this.#pending.length === 0) return this.#throwFirst()
    return Promise.all(this.#pending).then(() => this.#throwFirst())
  }

  #throwFirst(): void {
    if (this.#failures.length > 0) throw this.#failures[0]
  }
}
