const FIRST_BYTES = 4096

/** Bytes that grow, written field by field. */
export class StreamSink {
  readonly version: number
  readonly #littleEndian: boolean
  #bytes = new Uint8Array(FIRST_BYTES)
  #view = new DataView(this.#bytes.buffer)
  #length = 0

  constructor(version: number, littleEndian: boolean) {
    this.version = version
    this.#littleEndian = littleEndian
  }

  get length(): number {
    return this.#length
  }

  u8(value: number): void {
    const at = this.#extend(1)
    this.#view.setUint8(at, within(value, 0, 0xff))
  }

  u16(value: number): void {
    const at = this.#extend(2)
    this.#view.setUint16(at, within(value, 0, 0xffff), this.#littleEndian)
  }

  u32(value: number): void {
    const at = this.#extend(4)
    this.#view.setUint32(at, within(value, 0, 0xffff_ffff), this.#littleEndian)
  }

  i32(value: number): void {
    const at = this.#extend(4)
    this.#view.setInt32(at, within(value, -0x8000_0000, 0x7fff_ffff), this.#littleEndian)
  }

  u64(value: bigint): void {
    const at = this.#extend(8)
    this.#view.setBigUint64(at, value, this.#littleEndian)
  }

  bytes(bytes: Uint8Array): void {
    const at = this.#extend(bytes.length)
    this.#bytes.set(bytes, at)
  }

  /** Zeros up to the next boundary of `size` bytes. */
  align(size: number): void {
    const beyond = this.#length % size
    if (beyond > 0) this.#extend(size - beyond)
  }

  /** Sets a u32 that was written before. */
  patch(at: number, value: number): void {
    this.#view.setUint32(at, value, this.#littleEndian)
  }

  /** What was written so far; a view that is good until more is written. */
  written(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  /** Room for `count` bytes more, which may be in another buffer than before. @returns where it begins */
  #extend(count: number): number {
    const at = this.#length
    this.#length += count
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#length, 2 * this.#bytes.length))
      larger.set(this.#bytes)
      this.#bytes = larger
      this.#view = new DataView(larger.buffer)
    }
    return at
  }
}

const within = (value: number, least: number, most: number): number => {
  if (!Number.isInteger(value) || value < least || value > most)
    throw new RangeError(`${value} is not a number from ${least} to ${most}`)
  return value
}
