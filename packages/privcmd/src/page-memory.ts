import { PAGE_BYTES, PAGE_WORDS, type SharedMemory } from '@split-driver/abi'

const PAGE_HALF_WORDS = PAGE_WORDS * 2

/** One page of a mapping. Whether it may be touched at all, the mapping's memory judges; where the page ends, this does. */
export class PageMemory implements SharedMemory {
  readonly byteLength = PAGE_BYTES
  readonly #whole: SharedMemory
  readonly #word: number
  readonly #halfWord: number
  readonly #byte: number

  constructor(whole: SharedMemory, index: number) {
    this.#whole = whole
    this.#word = index * PAGE_WORDS
    this.#halfWord = index * PAGE_HALF_WORDS
    this.#byte = index * PAGE_BYTES
  }

  load(word: number): number {
    return this.#whole.load(this.#word + inside(word, PAGE_WORDS))
  }

  store(word: number, value: number): void {
    this.#whole.store(this.#word + inside(word, PAGE_WORDS), value)
  }

  load16(halfWord: number): number {
    return this.#whole.load16(this.#halfWord + inside(halfWord, PAGE_HALF_WORDS))
  }

  store16(halfWord: number, value: number): void {
    this.#whole.store16(this.#halfWord + inside(halfWord, PAGE_HALF_WORDS), value)
  }

  load8(byte: number): number {
    return this.#whole.load8(this.#byte + inside(byte, PAGE_BYTES))
  }

  store8(byte: number, value: number): void {
    this.#whole.store8(this.#byte + inside(byte, PAGE_BYTES), value)
  }

  loadOrdered(word: number): number {
    return this.#whole.loadOrdered(this.#word + inside(word, PAGE_WORDS))
  }

  storeOrdered(word: number, value: number): void {
    this.#whole.storeOrdered(this.#word + inside(word, PAGE_WORDS), value)
  }

  compareExchange(word: number, expected: number, value: number): number {
    return this.#whole.compareExchange(this.#word + inside(word, PAGE_WORDS), expected, value)
  }

  exchange(word: number, value: number): number {
    return this.#whole.exchange(this.#word + inside(word, PAGE_WORDS), value)
  }

  or(word: number, bits: number): number {
    return this.#whole.or(this.#word + inside(word, PAGE_WORDS), bits)
  }

  and(word: number, bits: number): number {
    return this.#whole.and(this.#word + inside(word, PAGE_WORDS), bits)
  }

  exchange8(byte: number, value: number): number {
    return this.#whole.exchange8(this.#byte + inside(byte, PAGE_BYTES), value)
  }

  compareExchange16(halfWord: number, expected: number, value: number): number {
    return this.#whole.compareExchange16(this.#halfWord + inside(halfWord, PAGE_HALF_WORDS), expected, value)
  }

  copyOut(word: number, count: number, target: Int32Array, at: number): void {
    assertRange(word, count, PAGE_WORDS)
    this.#whole.copyOut(this.#word + word, count, target, at)
  }

  copyIn(word: number, source: Int32Array, at: number, count: number): void {
    assertRange(word, count, PAGE_WORDS)
    this.#whole.copyIn(this.#word + word, source, at, count)
  }

  bytes(offset: number, length: number): Uint8Array {
    assertRange(offset, length, PAGE_BYTES)
    return this.#whole.bytes(this.#byte + offset, length)
  }

  mutableBytes(offset: number, length: number): Uint8Array {
    assertRange(offset, length, PAGE_BYTES)
    return this.#whole.mutableBytes(this.#byte + offset, length)
  }
}

/** @param size of the page, in the unit of the access */
const inside = (index: number, size: number): number => {
  if (index >>> 0 >= size) assertRange(index, 1, size)
  return index
}

const assertRange = (start: number, count: number, size: number): void => {
  if (start >= 0 && count >= 0 && start + count <= size) return
  throw new RangeError(`accesses ${start} to ${start + count} leave this page, which ends at ${size}`)
}
