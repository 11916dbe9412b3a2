/** Something that works in turns. */
export interface TurnTaker {
  /** Does a bounded amount of work. @returns whether there is more to do at once */
  turn(): boolean
}

/**
 * Gives turns one after the other, so that whoever has much to do cannot keep the others from theirs (S6). Each turn is a
 * microtask of its own: there is no timer, and nothing runs inside of whoever asked for it.
 */
export class TurnQueue {
  readonly #waiting = new Set<TurnTaker>()
  #running = false

  /** A turn for `taker`, unless it waits for one already. */
  schedule(taker: TurnTaker): void {
    this.#waiting.add(taker)
    if (this.#running) return
    this.#running = true
    queueMicrotask(this.#next)
  }

  remove(taker: TurnTaker): void {
    this.#waiting.delete(taker)
  }

  readonly #next = (): void => {
    const [taker] = this.#waiting
    if (taker === undefined) {
      this.#running = false
      return
    }
    this.#waiting.delete(taker)
    if (taker.turn()) this.#waiting.add(taker)
    queueMicrotask(this.#next)
  }
}
