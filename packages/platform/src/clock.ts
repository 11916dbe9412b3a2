/** The only source of time and of timers. */
export interface Clock {
  /** Milliseconds since the world began, with fractions; never goes back. */
  now(): number
  /** Calls back once, at least `milliseconds` from now. */
  setTimer(milliseconds: number, callback: () => void): Timer
}

export interface Timer {
  /** The callback will not be called after this. Idempotent. */
  cancel(): void
}
