interface Entry<T> {
  readonly due: number
  readonly item: T
}

/** Things that wait for their time, the earliest first: a binary heap. */
export class DueQueue<T> {
  readonly #heap: Entry<T>[] = []

  /** When the first one is due; Infinity if there is none. */
  get earliest(): number {
    return this.#heap[0]?.due ?? Number.POSITIVE_INFINITY
  }

  add(due: number, item: T): void {
    const heap = this.#heap
    let at = heap.length
    for (let parent = (at - 1) >> 1; at > 0 && heap[parent]!.due > due; parent = (at - 1) >> 1) {
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = { due, item }
  }

  /** Takes the first one that is due by `now`. */
  take(now: number): T | undefined {
    const first = this.#heap[0]
    if (first === undefined || first.due > now) return undefined
    const last = this.#heap.pop()!
    if (this.#heap.length > 0) this.#sink(last)
    return first.item
  }

  clear(): void {
    this.#heap.length = 0
  }

  #sink(entry: Entry<T>): void {
    const heap = this.#heap
    let at = 0
    for (let child = 1; child < heap.length; child = at * 2 + 1) {
      if (child + 1 < heap.length && heap[child + 1]!.due < heap[child]!.due) child++
      if (heap[child]!.due >= entry.due) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = entry
  }
}
