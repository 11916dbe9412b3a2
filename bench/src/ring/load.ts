/** How much work one round is. */
export interface Load {
  /** Requests that are answered. */
  readonly roundTrips: number
  /** At most so many requests are published at once, and answered at once. */
  readonly batch: number
}
