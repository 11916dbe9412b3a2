/** Numbers that follow from a seed, so that a schedule that failed can be run again. @see Marsaglia, "Xorshift RNGs" */
export class SeededRandom {
  #state: number

  /** @param seed any u32 */
  constructor(seed: number) {
    // Xorshift stays at 0 for ever.
    this.#state = seed >>> 0 || 0x9e37_79b9
  }

  u32(): number {
    let state = this.#state
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    this.#state = state
    return state >>> 0
  }

  /** An integer from 0 to `limit` − 1. */
  below(limit: number): number {
    return this.u32() % limit
  }

  /** One of them. */
  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    for (let i = 0; i < length; i++) bytes[i] = this.u32() >>> 24
    return bytes
  }
}
