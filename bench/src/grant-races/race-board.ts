/** What the threads of a race tell each other: words of a SharedArrayBuffer. */
export const BOARD = {
  /** Mappers that have made all their tries. */
  finished: 0,
  /** Tries so far. */
  tries: 1,
  /** How often each of `RACE_VIOLATIONS` was seen, from here on. */
  violations: 8,
  words: 64,
} as const

/** What must never be seen. */
export const RACE_VIOLATIONS = [
  'a page was mapped though access to it had ended',
  'a page was copied from though access to it had ended',
  'a page was written to after access to it had ended',
  'a page that was granted for reading was written to',
  'a grant of some bytes was mapped as a page',
  'a call failed with something that is no grant status',
  'access did not end though nobody used the page any more',
] as const

export type RaceViolation = (typeof RACE_VIOLATIONS)[number]

/** Words of a page that is raced for. */
export const PAGE_WORD = {
  /** Whose the page is: one of `Holder`. */
  holder: 0,
  /** What a writer changes. */
  scratch: 1,
  /** 1 if only bytes of the page are granted. */
  isSubPage: 2,
} as const

export const Holder = { everybody: 0x0be_11e, owner: 0x0dead } as const

/** The owner's references that are raced for. */
export const RACED_REFS = [64, 65] as const

export interface RaceArgument {
  readonly board: SharedArrayBuffer
  readonly seed: number
  /** Mappers in this race. */
  readonly mappers: readonly number[]
  readonly owner: number
  readonly hostile: number
  /** Tries of one mapper. */
  readonly tries: number
  readonly version: 1 | 2
}

export class RaceBoard {
  readonly #words: Int32Array

  constructor(board: SharedArrayBuffer) {
    this.#words = new Int32Array(board)
  }

  get tries(): number {
    return Atomics.load(this.#words, BOARD.tries)
  }

  get finished(): number {
    return Atomics.load(this.#words, BOARD.finished)
  }

  tried(): void {
    Atomics.add(this.#words, BOARD.tries, 1)
  }

  finish(): void {
    Atomics.add(this.#words, BOARD.finished, 1)
  }

  report(violation: RaceViolation): void {
    Atomics.add(this.#words, BOARD.violations + RACE_VIOLATIONS.indexOf(violation), 1)
  }

  /** What was seen, with how often. */
  seen(): string[] {
    return RACE_VIOLATIONS.flatMap((violation, i) => {
      const count = Atomics.load(this.#words, BOARD.violations + i)
      return count === 0 ? [] : [`${violation} (${count} times)`]
    })
  }
}
