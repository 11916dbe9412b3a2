import { XenError } from '@split-driver/abi'

/** A domain's free pages, as its own kernel keeps them: which frames of its memory are in use. */
export class PageAllocator {
  readonly #first: number
  readonly #used: Uint8Array
  #hint = 0
  #free: number

  /** @param first frame number of the domain's first free page */
  constructor(first: number, count: number) {
    this.#first = first
    this.#used = new Uint8Array(count)
    this.#free = count
  }

  get freePages(): number {
    return this.#free
  }

  /** `count` pages side by side. @returns the first one's frame number. @throws XenError ENOMEM */
  allocate(count: number): number {
    const start = this.#search(this.#hint, count) ?? this.#search(0, count)
    if (start === undefined)
      throw new XenError('ENOMEM', `the domain has no ${count} free pages side by side (${this.#free} free in all)`)
    this.#used.fill(1, start, start + count)
    this.#hint = start + count
    this.#free -= count
    return this.#first + start
  }

  /** Takes this very page, if it is one of these and free: it was given out before this list was made. */
  reserve(frame: number): void {
    const index = frame - this.#first
    if (this.#used[index] !== 0) return
    this.#used[index] = 1
    this.#free--
  }

  free(frame: number): void {
    const index = frame - this.#first
    if (this.#used[index] !== 1) throw new RangeError(`frame ${frame} was not allocated`)
    this.#used[index] = 0
    this.#free++
  }

  #search(from: number, count: number): number | undefined {
    let run = 0
    for (let i = from; i < this.#used.length; i++) {
      run = this.#used[i] === 0 ? run + 1 : 0
      if (run === count) return i - count + 1
    }
    return undefined
  }
}
