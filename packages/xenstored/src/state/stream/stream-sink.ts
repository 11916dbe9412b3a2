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
    this.#view.setUint8(this.#extend(1), within(value, 0, 0xff))
  }

  u16(value: number): void {
    this.#view.setUint16(this.#extend(2), within(value, 0, 0xffff), this.#littleEndian)
  }

  u32(value: number): void {
    this.#view.setUint32(this.#extend(4), within(value, 0, 0xffff_ffff), this.#littleEndian)
  }

  i32(value: number): void {
    this.#view.setInt32(this.#extend(4), within(value, -0x8000_0000, 0x7fff_ffff), this.#littleEndian)
  }

  u64(value: bigint): void {
    this.#view.setBigUint64(this.#extend(8), value, this.#littleEndian)
  }

  bytes(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#extend(bytes.length))
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
