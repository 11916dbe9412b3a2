import type { XenError } from '@split-driver/abi'
import { streamError } from './stream-error.js'

export interface SourceOptions {
  readonly bytes: Uint8Array
  /** Where to begin and where to end. */
  readonly start: number
  readonly end: number
  readonly record: number
  readonly littleEndian: boolean
  readonly version: number
}

/** Takes one record's body apart, field by field, and never looks beyond its end. */
export class StreamSource {
  readonly version: number
  readonly #options: SourceOptions
  readonly #view: DataView
  #at: number
  #field = 'body'
  #fieldAt: number

  constructor(options: SourceOptions) {
    const { bytes, start } = options
    this.version = options.version
    this.#options = options
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#at = start
    this.#fieldAt = start
  }

  get remaining(): number {
    return this.#options.end - this.#at
  }

  /** What is read from here on is called so in an error. */
  begin(field: string): void {
    this.#field = field
    this.#fieldAt = this.#at
  }

  error(problem: string): XenError {
    return streamError({ record: this.#options.record, offset: this.#fieldAt, field: this.#field }, problem)
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1))
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), this.#options.littleEndian)
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), this.#options.littleEndian)
  }

  i32(): number {
    return this.#view.getInt32(this.#take(4), this.#options.littleEndian)
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8), this.#options.littleEndian)
  }

  /** A private copy, also of a Buffer, whose slices are views. */
  bytes(count: number): Uint8Array {
    const at = this.#take(count)
    return new Uint8Array(this.#options.bytes.subarray(at, at + count))
  }

  /** To the next boundary of `size` bytes, counted from the body's beginning. */
  align(size: number): void {
    const beyond = (this.#at - this.#options.start) % size
    if (beyond > 0) this.#take(size - beyond)
  }

  #take(count: number): number {
    if (count > this.remaining) throw this.error(`needs ${count} bytes where ${this.remaining} are left`)
    const at = this.#at
    this.#at += count
    return at
  }
}
