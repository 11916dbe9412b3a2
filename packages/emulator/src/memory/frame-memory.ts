import { PAGE_BYTES, PAGE_WORDS, type SharedMemory, XenError } from '@split-driver/abi'
import type { GrantAccess } from '@split-driver/grant'

/** The machine's memory, seen in the widths that accesses come in. Made once a thread. */
export interface MachineViews {
  readonly words: Int32Array
  readonly halfWords: Uint16Array
  readonly bytes: Uint8Array
}

/**
 * Frames that lie side by side, as long as the holder may touch them. Where real hardware would fault, this throws: after
 * `invalidate` (unmap, unshare), and on writes through a read-only mapping. One compare an access: the limits drop to 0.
 */
export class FrameMemory implements SharedMemory {
  readonly byteLength: number
  readonly #words: Int32Array
  readonly #halfWords: Uint16Array
  readonly #bytes: Uint8Array
  readonly #byteBase: number
  readonly #wordBase: number
  readonly #halfWordBase: number
  readonly #access: GrantAccess
  #readable: number
  #writable: number

  constructor(views: MachineViews, firstFrame: number, frameCount: number, access: GrantAccess) {
    this.#words = views.words
    this.#halfWords = views.halfWords
    this.#bytes = views.bytes
    this.byteLength = frameCount * PAGE_BYTES
    this.#byteBase = firstFrame * PAGE_BYTES
    this.#wordBase = firstFrame * PAGE_WORDS
    this.#halfWordBase = firstFrame * PAGE_WORDS * 2
    this.#access = access
    this.#readable = this.byteLength
    this.#writable = access === 'writable' ? this.byteLength : 0
  }

  /** The holder's right to touch these frames ends now. */
  invalidate(): void {
    this.#readable = 0
    this.#writable = 0
  }

  load(word: number): number {
    if ((word << 2) >>> 0 >= this.#readable) this.#refuse(word * 4)
    return this.#words[this.#wordBase + word]!
  }

  store(word: number, value: number): void {
    if ((word << 2) >>> 0 >= this.#writable) this.#refuse(word * 4)
    this.#words[this.#wordBase + word] = value
  }

  load16(halfWord: number): number {
    if ((halfWord << 1) >>> 0 >= this.#readable) this.#refuse(halfWord * 2)
    return this.#halfWords[this.#halfWordBase + halfWord]!
  }

  store16(halfWord: number, value: number): void {
    if ((halfWord << 1) >>> 0 >= this.#writable) this.#refuse(halfWord * 2)
    this.#halfWords[this.#halfWordBase + halfWord] = value
  }

  load8(byte: number): number {
    if (byte >>> 0 >= this.#readable) this.#refuse(byte)
    return this.#bytes[this.#byteBase + byte]!
  }

  store8(byte: number, value: number): void {
    if (byte >>> 0 >= this.#writable) this.#refuse(byte)
    this.#bytes[this.#byteBase + byte] = value
  }

  loadOrdered(word: number): number {
    if ((word << 2) >>> 0 >= this.#readable) this.#refuse(word * 4)
    return Atomics.load(this.#words, this.#wordBase + word)
  }

  storeOrdered(word: number, value: number): void {
    if ((word << 2) >>> 0 >= this.#writable) this.#refuse(word * 4)
    Atomics.store(this.#words, this.#wordBase + word, value)
  }

  compareExchange(word: number, expected: number, value: number): number {
    if ((word << 2) >>> 0 >= this.#writable) this.#refuse(word * 4)
    return Atomics.compareExchange(this.#words, this.#wordBase + word, expected, value)
  }

  exchange(word: number, value: number): number {
    if ((word << 2) >>> 0 >= this.#writable) this.#refuse(word * 4)
    return Atomics.exchange(this.#words, this.#wordBase + word, value)
  }

  or(word: number, bits: number): number {
    if ((word << 2) >>> 0 >= this.#writable) this.#refuse(word * 4)
    return Atomics.or(this.#words, this.#wordBase + word, bits)
  }

  and(word: number, bits: number): number {
    if ((word << 2) >>> 0 >= this.#writable) this.#refuse(word * 4)
    return Atomics.and(this.#words, this.#wordBase + word, bits)
  }

  exchange8(byte: number, value: number): number {
    if (byte >>> 0 >= this.#writable) this.#refuse(byte)
    return Atomics.exchange(this.#bytes, this.#byteBase + byte, value)
  }

  compareExchange16(halfWord: number, expected: number, value: number): number {
    if ((halfWord << 1) >>> 0 >= this.#writable) this.#refuse(halfWord * 2)
    return Atomics.compareExchange(this.#halfWords, this.#halfWordBase + halfWord, expected, value)
  }

  copyOut(word: number, count: number, target: Int32Array, at: number): void {
    if (word < 0 || (word + count) * 4 > this.#readable) this.#refuse(word * 4)
    const words = this.#words
    const from = this.#wordBase + word
    for (let i = 0; i < count; i++) target[at + i] = words[from + i]!
  }

  copyIn(word: number, source: Int32Array, at: number, count: number): void {
    if (word < 0 || (word + count) * 4 > this.#writable) this.#refuse(word * 4)
    const words = this.#words
    const to = this.#wordBase + word
    for (let i = 0; i < count; i++) words[to + i] = source[at + i]!
  }

  bytes(offset: number, length: number): Uint8Array {
    if (offset < 0 || length < 0 || offset + length > this.#readable) this.#refuse(offset)
    return this.#bytes.subarray(this.#byteBase + offset, this.#byteBase + offset + length)
  }

  mutableBytes(offset: number, length: number): Uint8Array {
    if (offset < 0 || length < 0 || offset + length > this.#writable) this.#refuse(offset)
    return this.#bytes.subarray(this.#byteBase + offset, this.#byteBase + offset + length)
  }

  #refuse(byte: number): never {
    const frame = this.#byteBase / PAGE_BYTES
    if (this.#readable === 0)
      throw new XenError('USE_AFTER_UNMAP', `byte ${byte} of frame ${frame} was touched after its mapping had ended`)
    if (byte >= 0 && byte < this.byteLength && this.#access === 'read-only')
      throw new XenError('READ_ONLY_MAPPING', `byte ${byte} of frame ${frame} was written through a read-only mapping`)
    throw new RangeError(`the access at byte ${byte} leaves these ${this.byteLength} bytes`)
  }
}
