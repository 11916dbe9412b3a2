interface Due {
  readonly at: number
  callback(): void
}

/** Time that passes when a test says so. */
export class ManualClock {
  /** How long each timer was set for, in milliseconds. */
  readonly waits: number[] = []
  readonly #due = new Set<Due>()
  #now = 0

  now(): number {
    return this.#now
  }

  get timers(): number {
    return this.#due.size
  }

  setTimer(milliseconds: number, callback: () => void): { cancel(): void } {
    this.waits.push(milliseconds)
    const due = { at: this.#now + milliseconds, callback }
    this.#due.add(due)
    return { cancel: () => void this.#due.delete(due) }
  }

  pass(milliseconds: number): void {
    this.#now += milliseconds
    for (const due of [...this.#due].sort((one, other) => one.at - other.at)) {
      if (due.at > this.#now || !this.#due.delete(due)) continue
      due.callback()
    }
  }
}
