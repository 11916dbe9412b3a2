/** Turns any number of reasons to look into one look. One waiter. */
export class Doorbell {
  #rung = false
  #wake: (() => void) | undefined

  /** Also if nobody waits: the next wait returns at once. */
  ring(): void {
    this.#rung = true
    this.#wake?.()
  }

  async wait(): Promise<void> {
    if (!this.#rung) await new Promise<void>((resolve) => (this.#wake = resolve))
    this.#wake = undefined
    this.#rung = false
  }
}
