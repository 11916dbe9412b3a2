import { PAGE_BYTES, PAGE_WORDS, type SharedMemory } from '@split-driver/abi'

const WORD_MASK = PAGE_WORDS - 1
const WORD_SHIFT = Math.log2(PAGE_WORDS)
const HALF_MASK = PAGE_WORDS * 2 - 1
const HALF_SHIFT = WORD_SHIFT + 1
const BYTE_MASK = PAGE_BYTES - 1
const BYTE_SHIFT = WORD_SHIFT + 2

/** Pages that lie anywhere in the machine, seen one after the other, as a page table would show them. */
export class ScatteredMemory implements SharedMemory {
  readonly byteLength: number
  readonly #pages: readonly SharedMemory[]

  /** @param pages one page (4096 bytes) each */
  constructor(pages: readonly SharedMemory[]) {
    this.#pages = pages
    this.byteLength = pages.length * PAGE_BYTES
  }

  load(word: number): number {
    return this.#page(word >> WORD_SHIFT).load(word & WORD_MASK)
  }

  store(word: number, value: number): void {
    this.#page(word >> WORD_SHIFT).store(word & WORD_MASK, value)
  }

  load16(halfWord: number): number {
    return this.#page(halfWord >> HALF_SHIFT).load16(halfWord & HALF_MASK)
  }

  store16(halfWord: number, value: number): void {
    this.#page(halfWord >> HALF_SHIFT).store16(halfWord & HALF_MASK, value)
  }

  load8(byte: number): number {
    return this.#page(byte >> BYTE_SHIFT).load8(byte & BYTE_MASK)
  }

  store8(byte: number, value: number): void {
    this.#page(byte >> BYTE_SHIFT).store8(byte & BYTE_MASK, value)
  }

  loadOrdered(word: number): number {
    return this.#page(word >> WORD_SHIFT).loadOrdered(word & WORD_MASK)
  }

  storeOrdered(word: number, value: number): void {
    this.#page(word >> WORD_SHIFT).storeOrdered(word & WORD_MASK, value)
  }

  compareExchange(word: number, expected: number, value: number): number {
    return this.#page(word >> WORD_SHIFT).compareExchange(word & WORD_MASK, expected, value)
  }

  exchange(word: number, value: number): number {
    return this.#page(word >> WORD_SHIFT).exchange(word & WORD_MASK, value)
  }

  or(word: number, bits: number): number {
    return this.#page(word >> WORD_SHIFT).or(word & WORD_MASK, bits)
  }

  and(word: number, bits: number): number {
    return this.#page(word >> WORD_SHIFT).and(word & WORD_MASK, bits)
  }

  exchange8(byte: number, value: number): number {
    return this.#page(byte >> BYTE_SHIFT).exchange8(byte & BYTE_MASK, value)
  }

  compareExchange16(halfWord: number, expected: number, value: number): number {
    return this.#page(halfWord >> HALF_SHIFT).compareExchange16(halfWord & HALF_MASK, expected, value)
  }

  copyOut(word: number, count: number, target: Int32Array, at: number): void {
    for (let i = 0; i < count; i++) target[at + i] = this.load(word + i)
  }

  copyIn(word: number, source: Int32Array, at: number, count: number): void {
    for (let i = 0; i < count; i++) this.store(word + i, source[at + i]!)
  }

  bytes(offset: number, length: number): Uint8Array {
    return this.#within(offset, length).bytes(offset & BYTE_MASK, length)
  }

  mutableBytes(offset: number, length: number): Uint8Array {
    return this.#within(offset, length).mutableBytes(offset & BYTE_MASK, length)
  }

  #within(offset: number, length: number): SharedMemory {
    if ((offset & BYTE_MASK) + length > PAGE_BYTES)
      throw new RangeError(
        `bytes ${offset} to ${offset + length} cross a page, and these pages do not lie side by side`,
      )
    return this.#page(offset >> BYTE_SHIFT)
  }

  #page(index: number): SharedMemory {
    const page = this.#pages[index]
    if (!page) throw new RangeError(`page ${index} lies outside these ${this.#pages.length} pages`)
    return page
  }
}
