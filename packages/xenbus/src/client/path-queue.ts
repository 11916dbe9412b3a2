/** Different paths that wait for a watch's taker; beyond this many they become one: the watched path itself. */
export const PATHS_WAITING_MAX = 1024

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined }

interface Taker {
  resolve(result: IteratorResult<string, undefined>): void
  reject(reason: unknown): void
}

/**
 * What a watch has to tell and nobody has taken yet: each path once, in the order of its first event. It cannot grow
 * without bound (S8): when too many different paths wait, "look at all of it" takes their place.
 */
export class PathQueue {
  readonly #whole: string
  readonly #paths = new Set<string>()
  readonly #takers: Taker[] = []
  #ended = false
  /** Why it ended, until somebody was told. */
  #failure: { readonly reason: unknown } | undefined

  /** @param whole the watched path */
  constructor(whole: string) {
    this.#whole = whole
  }

  push(path: string): void {
    if (this.#ended) return
    const taker = this.#takers.shift()
    if (taker) taker.resolve({ done: false, value: path })
    else if (this.#paths.size >= PATHS_WAITING_MAX && !this.#paths.has(path)) {
      this.#paths.clear()
      this.#paths.add(this.#whole)
    } else this.#paths.add(path)
  }

  /** The next path, as soon as there is one; paths that wait are given out after the end too, unless it dropped them. */
  take(): Promise<IteratorResult<string, undefined>> {
    for (const path of this.#paths) {
      this.#paths.delete(path)
      return Promise.resolve({ done: false, value: path })
    }
    if (!this.#ended) return new Promise((resolve, reject) => this.#takers.push({ resolve, reject }))
    const failure = this.#failure
    this.#failure = undefined
    return failure === undefined ? Promise.resolve(DONE) : Promise.reject(failure.reason)
  }

  /** @param drop forget what waits: the watch's owner wants no more of it */
  end(drop: boolean): void {
    this.#ended = true
    if (drop) {
      this.#paths.clear()
      this.#failure = undefined
    }
    for (const taker of this.#takers.splice(0)) taker.resolve(DONE)
  }

  /** It ends otherwise than its owner wanted: one taker is told why, after all paths that wait. */
  fail(reason: unknown): void {
    if (this.#ended) return
    const taker = this.#takers.shift()
    if (taker) taker.reject(reason)
    else this.#failure = { reason }
    this.end(false)
  }
}
