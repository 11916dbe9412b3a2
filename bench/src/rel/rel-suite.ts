/**
 * Something that must hold however often it is tried. `bench/src/rel/NAME.ts` exports one as `suite`;
 * `npm run rel -- NAME --n N --seed S` tries it.
 */
export interface RelSuite {
  readonly name: string
  /** One line for `--list`: what one try is and what must hold. */
  readonly describe: string
  run(options: RelOptions): Promise<RelOutcome>
}

export interface RelOptions {
  /** How many tries. */
  readonly n: number
  /** 0 … 2³²−1. The same seed and n try the same things. */
  readonly seed: number
  /** How many tries are done so far; cheap enough to be called after each. */
  readonly progress: (done: number) => void
}

export interface RelOutcome {
  /** Tries that were really made; fewer than `n` is a failure. */
  readonly done: number
  /** One line for each time it did not hold, with what is needed to see it again. */
  readonly violations: readonly string[]
  /** More figures for `--json`. */
  readonly detail?: Readonly<Record<string, unknown>>
}
