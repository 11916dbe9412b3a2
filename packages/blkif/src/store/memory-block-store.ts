import { SECTOR_BYTES, XenError } from '@split-driver/abi'
import type { BlockStore, DiscardUnits } from '../block-store.js'
import { assertGeometry, assertRange, transferBytes } from './geometry.js'

export interface MemoryBlockStoreOptions {
  /** Logical sector size in bytes; 512 unless given. */
  readonly sectorBytes?: number
  /** Refuses writes; false unless given. */
  readonly readOnly?: boolean
}

/**
 * A disk whose bytes are the caller's own memory. Answers at once; a flush has nothing to do. What is discarded reads as
 * zeros, and no copy remains.
 */
export class MemoryBlockStore implements BlockStore {
  readonly byteLength: number
  readonly sectorBytes: number
  readonly readOnly: boolean
  readonly discardUnits: DiscardUnits
  readonly #bytes: Uint8Array

  /**
   * @param bytes the disk's content, used in place; may lie in a SharedArrayBuffer
   * @throws XenError EINVAL if its length is 0 or no multiple of the sector size
   */
  constructor(bytes: Uint8Array, options: MemoryBlockStoreOptions = {}) {
    this.sectorBytes = options.sectorBytes ?? SECTOR_BYTES
    this.readOnly = options.readOnly ?? false
    assertGeometry('the memory disk', bytes.length, this.sectorBytes)
    this.byteLength = bytes.length
    this.discardUnits = { granularityBytes: this.sectorBytes, secure: true }
    this.#bytes = bytes
  }

  read(position: number, targets: readonly Uint8Array[]): void {
    transferBytes(this.byteLength, position, targets)
    let at = position
    for (const target of targets) {
      target.set(this.#bytes.subarray(at, at + target.length))
      at += target.length
    }
  }

  write(position: number, sources: readonly Uint8Array[]): void {
    this.#assertWritable()
    transferBytes(this.byteLength, position, sources)
    let at = position
    for (const source of sources) {
      this.#bytes.set(source, at)
      at += source.length
    }
  }

  flush(): void {}

  discard(position: number, byteLength: number): void {
    this.writeZeroes(position, byteLength)
  }

  writeZeroes(position: number, byteLength: number): void {
    this.#assertWritable()
    assertRange(this.byteLength, position, byteLength)
    this.#bytes.fill(0, position, position + byteLength)
  }

  #assertWritable(): void {
    if (this.readOnly) throw new XenError('EROFS', 'the memory disk is read-only')
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
