/** Bytes of memory that a log begins with; it doubles as it fills. */
const FIRST_CAPACITY_BYTES = 4096

/**
 * The last `limitBytes` bytes of an endless stream. A place in it is a *position*: how many bytes came before, counted
 * from the stream's beginning, so a reader can tell what it has missed.
 */
export class ByteLog {
  readonly limitBytes: number
  #ring: Uint8Array
  #end = 0
  #start = 0

  /** @throws RangeError unless `limitBytes` is a positive integer */
  constructor(limitBytes: number) {
    if (!Number.isSafeInteger(limitBytes) || limitBytes < 1)
      throw new RangeError(`a log keeps at least one byte, not ${limitBytes}`)
    this.limitBytes = limitBytes
    this.#ring = new Uint8Array(Math.min(limitBytes, FIRST_CAPACITY_BYTES))
  }

  /** Position of the oldest byte that is kept; that many bytes were dropped. */
  get start(): number {
    return this.#start
  }

  /** Position after the newest byte; that many bytes were ever appended. */
  get end(): number {
    return this.#end
  }

  /** Bytes that are kept. */
  get byteLength(): number {
    return this.#end - this.#start
  }

  /** Bytes of memory in use, at most `limitBytes`. */
  get capacityBytes(): number {
    return this.#ring.length
  }

  /** Appends the first `length` bytes of `source`; drops the oldest where there is no room. */
  append(source: Uint8Array, length = source.length): void {
    const kept = Math.min(length, this.limitBytes)
    this.#grow(this.byteLength + kept)
    this.#end += length - kept
    this.#place(source, length - kept, kept)
    this.#start = Math.max(this.#start, this.#end - this.#ring.length)
  }

  /** Copies what lies from `position` on; a position before `start` counts as `start`. @returns how many bytes */
  copy(position: number, target: Uint8Array): number {
    const from = Math.max(position, this.#start)
    const length = Math.max(0, Math.min(target.length, this.#end - from))
    const capacity = this.#ring.length
    const at = from % capacity
    const first = Math.min(length, capacity - at)
    target.set(this.#ring.subarray(at, at + first))
    target.set(this.#ring.subarray(0, length - first), first)
    return length
  }

  /** A copy of all that is kept. */
  bytes(): Uint8Array {
    const copy = new Uint8Array(this.byteLength)
    this.copy(this.#start, copy)
    return copy
  }

  #place(source: Uint8Array, offset: number, length: number): void {
    const capacity = this.#ring.length
    const at = this.#end % capacity
    const first = Math.min(length, capacity - at)
    this.#ring.set(source.subarray(offset, offset + first), at)
    this.#ring.set(source.subarray(offset + first, offset + length), 0)
    this.#end += length
  }

  #grow(wanted: number): void {
    let capacity = this.#ring.length
    if (wanted <= capacity || capacity === this.limitBytes) return
    while (capacity < wanted) capacity *= 2
    const kept = this.bytes()
    this.#ring = new Uint8Array(Math.min(capacity, this.limitBytes))
    this.#end -= kept.length
    this.#place(kept, 0, kept.length)
  }
}
