/** A measurement beside a peer. `bench/src/NAME.bench.ts` exports one as `bench`; `npm run bench -- NAME` runs it. */
export interface Bench {
  readonly name: string
  /** One line for `--list`. */
  readonly describe: string
  run(options: BenchOptions): Promise<readonly BenchRow[]>
}

export interface BenchOptions {
  /** Says what is being measured now; shown on a terminal only. */
  readonly progress: (what: string) => void
}

/** Ours and the peer's figure come from the same run: absolute figures belong to one machine, ratios travel. */
export interface BenchRow {
  readonly work: string
  /** In `unit`. */
  readonly ours: number
  /** In `unit`; null where this machine cannot run the peer (no C compiler, say). */
  readonly peer: number | null
  /** How fast ours is as a share of the peer: 1 is as fast, more is faster, also where the figures are times. */
  readonly ratio: number | null
  /** Of `ours` and `peer`, for example `M/s` or `µs`. */
  readonly unit: string
  /** The smallest ratio that is good enough. */
  readonly goal?: number
  /** What else a reader must know: the spread, or why there is no peer. */
  readonly note?: string
}
