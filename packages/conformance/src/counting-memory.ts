import type { SharedMemory } from '@split-driver/abi'

/**
 * Shared memory that counts how often each byte was fetched since the last `reset`. It proves "at most once" (R1): what
 * is fetched twice can differ the second time, so a check of the first says nothing about the second.
 *
 * `afterFetch` is told of each fetch when it is done, and may change what was fetched, as a hostile peer would. Changing
 * it through the memory that lies beneath does not count.
 */
export class CountingMemory implements SharedMemory {
  readonly byteLength: number
  readonly #memory: SharedMemory
  readonly #fetches: Uint32Array
  readonly #afterFetch: (offset: number, bytes: number) => void

  constructor(memory: SharedMemory, afterFetch: (offset: number, bytes: number) => void = () => {}) {
    this.byteLength = memory.byteLength
    this.#memory = memory
    this.#fetches = new Uint32Array(memory.byteLength)
    this.#afterFetch = afterFetch
  }

  /** Counts from 0 again. */
  reset(): void {
    this.#fetches.fill(0)
  }

  /** The count of the byte that was fetched most often among `length` bytes from `offset` on. */
  mostFetched(offset = 0, length = this.byteLength - offset): number {
    return this.#fetches.subarray(offset, offset + length).reduce((most, count) => Math.max(most, count), 0)
  }

  /** How often the byte at `offset` was fetched. */
  fetches(offset: number): number {
    return this.#fetches[offset]!
  }

  load(word: number): number {
    return this.#fetched(word * 4, 4, this.#memory.load(word))
  }

  load16(halfWord: number): number {
    return this.#fetched(halfWord * 2, 2, this.#memory.load16(halfWord))
  }

  load8(byte: number): number {
    return this.#fetched(byte, 1, this.#memory.load8(byte))
  }

  loadOrdered(word: number): number {
    return this.#fetched(word * 4, 4, this.#memory.loadOrdered(word))
  }

  store(word: number, value: number): void {
    this.#memory.store(word, value)
  }

  store16(halfWord: number, value: number): void {
    this.#memory.store16(halfWord, value)
  }

  store8(byte: number, value: number): void {
    this.#memory.store8(byte, value)
  }

  storeOrdered(word: number, value: number): void {
    this.#memory.storeOrdered(word, value)
  }

  compareExchange(word: number, expected: number, value: number): number {
    return this.#fetched(word * 4, 4, this.#memory.compareExchange(word, expected, value))
  }

  exchange(word: number, value: number): number {
    return this.#fetched(word * 4, 4, this.#memory.exchange(word, value))
  }

  or(word: number, bits: number): number {
    return this.#fetched(word * 4, 4, this.#memory.or(word, bits))
  }

  and(word: number, bits: number): number {
    return this.#fetched(word * 4, 4, this.#memory.and(word, bits))
  }

  exchange8(byte: number, value: number): number {
    return this.#fetched(byte, 1, this.#memory.exchange8(byte, value))
  }

  compareExchange16(halfWord: number, expected: number, value: number): number {
    return this.#fetched(halfWord * 2, 2, this.#memory.compareExchange16(halfWord, expected, value))
  }

  /** Word by word, so that `afterFetch` can change each between its fetch and the next. */
  copyOut(word: number, count: number, target: Int32Array, at: number): void {
    for (let i = 0; i < count; i++) target[at + i] = this.load(word + i)
  }

  copyIn(word: number, source: Int32Array, at: number, count: number): void {
    this.#memory.copyIn(word, source, at, count)
  }

  /** What is done with bytes in place cannot be seen; taking them counts as one fetch of each. */
  bytes(offset: number, length: number): Uint8Array {
    const bytes = this.#memory.bytes(offset, length)
    for (let i = 0; i < length; i++) this.#fetches[offset + i]! += 1
    return bytes
  }

  /** To be written to: no fetch. */
  mutableBytes(offset: number, length: number): Uint8Array {
    return this.#memory.mutableBytes(offset, length)
  }

  #fetched(offset: number, bytes: number, value: number): number {
    for (let i = 0; i < bytes; i++) this.#fetches[offset + i]! += 1
    this.#afterFetch(offset, bytes)
    return value
  }
}
