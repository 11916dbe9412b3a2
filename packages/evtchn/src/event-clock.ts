/** The time that end-of-interrupt delays are counted in. A Platform's clock is one. */
export interface EventClock {
  /** Milliseconds from any moment on, with fractions; never goes back. */
  now(): number
  /** Calls back once, at least `milliseconds` from now, unless cancelled. */
  setTimer(milliseconds: number, callback: () => void): { cancel(): void }
}
