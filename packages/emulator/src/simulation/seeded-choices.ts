/** Numbers that follow from a seed. @see Chris Doty-Humphrey, "PractRand", sfc32 */
export class SeededChoices {
  #a: number
  #b: number
  #c: number
  #counter = 1

  /** @param seed any u32 */
  constructor(seed: number) {
    this.#a = seed | 0
    this.#b = seed ^ 0x9e37_79b9
    this.#c = 0
    // Seeds that lie side by side begin alike.
    for (let i = 0; i < 12; i++) this.u32()
  }

  u32(): number {
    const result = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + result) | 0
    return result >>> 0
  }

  /** An integer from 0 to `limit` − 1. @param limit from 1 to 2³² */
  below(limit: number): number {
    return Math.floor((this.u32() / 2 ** 32) * limit)
  }
}
