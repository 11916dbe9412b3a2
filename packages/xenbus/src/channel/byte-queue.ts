/** Bytes between two ends of one thread: first in, first out, never more than `capacity`. */
export class ByteQueue {
  readonly #bytes: Uint8Array
  #first = 0
  #length = 0

  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity)
  }

  get length(): number {
    return this.#length
  }

  get room(): number {
    return this.#bytes.length - this.#length
  }

  /** @returns how many bytes of `source` there was room for */
  push(source: Uint8Array): number {
    const count = Math.min(source.length, this.room)
    const capacity = this.#bytes.length
    const at = (this.#first + this.#length) % capacity
    const untilEnd = Math.min(count, capacity - at)
    this.#bytes.set(source.subarray(0, untilEnd), at)
    this.#bytes.set(source.subarray(untilEnd, count), 0)
    this.#length += count
    return count
  }

  /** @returns how many bytes went into `target` */
  pull(target: Uint8Array): number {
    const count = Math.min(target.length, this.#length)
    const untilEnd = Math.min(count, this.#bytes.length - this.#first)
    target.set(this.#bytes.subarray(this.#first, this.#first + untilEnd))
    target.set(this.#bytes.subarray(0, count - untilEnd), untilEnd)
    this.#first = (this.#first + count) % this.#bytes.length
    this.#length -= count
    return count
  }
}
