/** How long each of many round trips took, in microseconds. */
export interface Latencies {
  readonly p50: number
  readonly p99: number
}

/** @param milliseconds of each round trip; sorted in place */
export const latenciesOf = (milliseconds: Float64Array): Latencies => {
  milliseconds.sort()
  const at = (share: number): number => milliseconds[Math.floor((milliseconds.length - 1) * share)]! * 1000
  return { p50: at(0.5), p99: at(0.99) }
}

export const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!
