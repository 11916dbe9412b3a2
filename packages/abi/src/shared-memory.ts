/**
 * Memory that a peer may change under our hands. Everything in this project reaches such memory through this one
 * interface, so that a world can check each access (liveness, read-only), count fetches, or join scattered pages.
 *
 * Offsets are in the unit of the access: `load` and `store` count 32-bit words, `load16`/`store16` half words,
 * `load8`/`store8` bytes, all little-endian. Words come back signed, as `Int32Array` holds them: `>>> 0` before comparing.
 *
 * Plain accesses carry no order. The ordered ones are sequentially consistent: as strong as ring.h's barriers.
 */
export interface SharedMemory {
  readonly byteLength: number

  load(word: number): number
  store(word: number, value: number): void
  load16(halfWord: number): number
  store16(halfWord: number, value: number): void
  load8(byte: number): number
  store8(byte: number, value: number): void

  loadOrdered(word: number): number
  storeOrdered(word: number, value: number): void
  /** @returns what the word held before; the exchange took place iff that equals `expected | 0`. */
  compareExchange(word: number, expected: number, value: number): number
  /** @returns what the word held before. */
  exchange(word: number, value: number): number
  /** @returns what the word held before. */
  or(word: number, bits: number): number
  /** @returns what the word held before. */
  and(word: number, bits: number): number
  /** @returns what the byte held before. */
  exchange8(byte: number, value: number): number
  /** Atomic on the 16-bit grant flags. @returns what the half word held before. */
  compareExchange16(halfWord: number, expected: number, value: number): number

  /** Fetches `count` words, each exactly once, into private memory. */
  copyOut(word: number, count: number, target: Int32Array, at: number): void
  /** Stores `count` private words. */
  copyIn(word: number, source: Int32Array, at: number, count: number): void

  /**
   * The bytes in place, for bulk data. Taken anew for each use, never kept: the world checks liveness here.
   * @throws RangeError if the range lies outside, or spans pages that do not lie side by side (`pages` tells).
   */
  bytes(offset: number, length: number): Uint8Array
  /** As `bytes`, to be written to. @throws XenError READ_ONLY_MAPPING */
  mutableBytes(offset: number, length: number): Uint8Array
}
