import { type SharedMemory, XenError } from '@split-driver/abi'
import type { GrantAccess } from '@split-driver/grant'

const noBytes = new ArrayBuffer(0)

/**
 * Memory of a node that is mapped into this process. It ends with its buffer: when that is detached, every array over it
 * has length 0, and the one compare of each access catches it. A second set of arrays, empty where writing would fault,
 * does the same for writes.
 */
export class MappedMemory implements SharedMemory {
  readonly byteLength: number
  readonly #words: Int32Array
  readonly #halfWords: Uint16Array
  readonly #bytes: Uint8Array
  readonly #writableWords: Int32Array
  readonly #writableHalfWords: Uint16Array
  readonly #writableBytes: Uint8Array

  /** @param byteOffset a multiple of four */
  constructor(buffer: ArrayBuffer, byteOffset: number, byteLength: number, access: GrantAccess) {
    this.byteLength = byteLength
    this.#words = new Int32Array(buffer, byteOffset, byteLength >> 2)
    this.#halfWords = new Uint16Array(buffer, byteOffset, byteLength >> 1)
    this.#bytes = new Uint8Array(buffer, byteOffset, byteLength)
    const writable = access === 'writable'
    this.#writableWords = writable ? this.#words : new Int32Array(noBytes)
    this.#writableHalfWords = writable ? this.#halfWords : new Uint16Array(noBytes)
    this.#writableBytes = writable ? this.#bytes : new Uint8Array(noBytes)
  }

  load(word: number): number {
    const words = this.#words
    if (word >>> 0 >= words.length) this.#refuse(word * 4)
    return words[word]!
  }

  store(word: number, value: number): void {
    const words = this.#writableWords
    if (word >>> 0 >= words.length) this.#refuse(word * 4)
    words[word] = value
  }

  load16(halfWord: number): number {
    const halfWords = this.#halfWords
    if (halfWord >>> 0 >= halfWords.length) this.#refuse(halfWord * 2)
    return halfWords[halfWord]!
  }

  store16(halfWord: number, value: number): void {
    const halfWords = this.#writableHalfWords
    if (halfWord >>> 0 >= halfWords.length) this.#refuse(halfWord * 2)
    halfWords[halfWord] = value
  }

  load8(byte: number): number {
    const bytes = this.#bytes
    if (byte >>> 0 >= bytes.length) this.#refuse(byte)
    return bytes[byte]!
  }

  store8(byte: number, value: number): void {
    const bytes = this.#writableBytes
    if (byte >>> 0 >= bytes.length) this.#refuse(byte)
    bytes[byte] = value
  }

  loadOrdered(word: number): number {
    const words = this.#words
    if (word >>> 0 >= words.length) this.#refuse(word * 4)
    return Atomics.load(words, word)
  }

  storeOrdered(word: number, value: number): void {
    Atomics.store(this.#wordsToWrite(word), word, value)
  }

  compareExchange(word: number, expected: number, value: number): number {
    return Atomics.compareExchange(this.#wordsToWrite(word), word, expected, value)
  }

  exchange(word: number, value: number): number {
    return Atomics.exchange(this.#wordsToWrite(word), word, value)
  }

  or(word: number, bits: number): number {
    return Atomics.or(this.#wordsToWrite(word), word, bits)
  }

  and(word: number, bits: number): number {
    return Atomics.and(this.#wordsToWrite(word), word, bits)
  }

  exchange8(byte: number, value: number): number {
    if (byte >>> 0 >= this.#writableBytes.length) this.#refuse(byte)
    return Atomics.exchange(this.#writableBytes, byte, value)
  }

  compareExchange16(halfWord: number, expected: number, value: number): number {
    if (halfWord >>> 0 >= this.#writableHalfWords.length) this.#refuse(halfWord * 2)
    return Atomics.compareExchange(this.#writableHalfWords, halfWord, expected, value)
  }

  copyOut(word: number, count: number, target: Int32Array, at: number): void {
    const words = this.#words
    if (word < 0 || word + count > words.length) this.#refuse(word * 4)
    for (let i = 0; i < count; i++) target[(at + i) | 0] = words[(word + i) | 0]!
  }

  copyIn(word: number, source: Int32Array, at: number, count: number): void {
    const words = this.#writableWords
    if (word < 0 || word + count > words.length) this.#refuse(word * 4)
    for (let i = 0; i < count; i++) words[(word + i) | 0] = source[(at + i) | 0]!
  }

  /** For reading alone: the process ends with SIGSEGV if bytes of a read-only mapping are written through this array. */
  bytes(offset: number, length: number): Uint8Array {
    return this.#within(this.#bytes, offset, length)
  }

  mutableBytes(offset: number, length: number): Uint8Array {
    return this.#within(this.#writableBytes, offset, length)
  }

  #within(bytes: Uint8Array, offset: number, length: number): Uint8Array {
    if (offset < 0 || length < 0 || offset + length > bytes.length) this.#refuse(offset)
    return bytes.subarray(offset, offset + length)
  }

  #wordsToWrite(word: number): Int32Array {
    const words = this.#writableWords
    if (word >>> 0 >= words.length) this.#refuse(word * 4)
    return words
  }

  #refuse(byte: number): never {
    if (this.#bytes.length < this.byteLength)
      throw new XenError('USE_AFTER_UNMAP', `byte ${byte} was touched after its mapping had ended`)
    if (byte >= 0 && byte < this.byteLength && this.#writableBytes.length < this.byteLength)
      throw new XenError('READ_ONLY_MAPPING', `byte ${byte} was written through a read-only mapping`)
    throw new RangeError(`the access at byte ${byte} leaves these ${this.byteLength} bytes`)
  }
}
