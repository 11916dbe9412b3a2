import { createHash } from 'node:crypto'
import { closeSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs'
import { SeededRandom } from '@split-driver/conformance'

const CHUNK_BYTES = 1 << 20
const MOST_DIFFERENCES = 8

export interface Range {
  /** Bytes from the disk's start. */
  readonly position: number
  readonly byteLength: number
}

/** A disk's contents in a file of dom0, which follow from a seed. What is done to them can be repeated and compared. */
export class DiskImage {
  readonly path: string
  readonly byteLength: number

  private constructor(path: string, byteLength: number) {
    this.path = path
    this.byteLength = byteLength
  }

  /** A new file, filled from `seed`; without one it is zeros that take no room. */
  static create(path: string, byteLength: number, seed?: number): DiskImage {
    const fd = openSync(path, 'w')
    try {
      ftruncateSync(fd, byteLength)
      const random = seed === undefined ? undefined : new SeededRandom(seed)
      for (let at = 0; random !== undefined && at < byteLength; at += CHUNK_BYTES)
        writeSync(fd, seededBytes(random, Math.min(CHUNK_BYTES, byteLength - at)), 0, undefined, at)
    } finally {
      closeSync(fd)
    }
    return new DiskImage(path, byteLength)
  }

  /** SHA-256 in hexadecimal of the whole, or of a range. */
  sha256({ position, byteLength }: Range = { position: 0, byteLength: this.byteLength }): string {
    const hash = createHash('sha256')
    for (let at = 0; at < byteLength; at += CHUNK_BYTES)
      hash.update(this.read({ position: position + at, byteLength: Math.min(CHUNK_BYTES, byteLength - at) }))
    return hash.digest('hex')
  }

  /** The first places where the image is not as `expected`, a few of them, as positions. */
  differences(expected: Uint8Array): number[] {
    const found: number[] = []
    const bytes = this.read()
    if (Buffer.compare(bytes, expected) === 0) return found
    for (let at = 0; at < bytes.length && found.length < MOST_DIFFERENCES; at++)
      if (bytes[at] !== expected[at]) found.push(at)
    return found
  }

  read({ position, byteLength }: Range = { position: 0, byteLength: this.byteLength }): Uint8Array {
    const bytes = new Uint8Array(byteLength)
    const fd = openSync(this.path, 'r')
    try {
      const count = readSync(fd, bytes, 0, byteLength, position)
      if (count !== byteLength) throw new RangeError(`${this.path} has no ${byteLength} bytes at ${position}`)
      return bytes
    } finally {
      closeSync(fd)
    }
  }

  write(position: number, bytes: Uint8Array): void {
    if (position + bytes.length > this.byteLength) throw new RangeError(`${this.path} ends before ${position}`)
    const fd = openSync(this.path, 'r+')
    try {
      writeSync(fd, bytes, 0, bytes.length, position)
    } finally {
      closeSync(fd)
    }
  }
}

/** As `SeededRandom.bytes`, four at a time: emulated machines are slow. @param byteLength a multiple of 4 */
export const seededBytes = (random: SeededRandom, byteLength: number): Uint8Array => {
  const words = new Uint32Array(byteLength / 4)
  for (let i = 0; i < words.length; i++) words[i] = random.u32()
  return new Uint8Array(words.buffer)
}
