import type { BlockStore, DiscardUnits } from '../block-store.js'
import { transferBytes } from './geometry.js'
import { MemoryBlockStore, type MemoryBlockStoreOptions } from './memory-block-store.js'

/** A sector that changed since the last flush, and what it became. */
interface UnflushedSector {
  readonly position: number
  readonly bytes: Uint8Array
}

/**
 * A simulated disk with a volatile write cache: reads see every write, and only a flush makes durable. Where the power
 * goes, any of the sectors that changed since may have reached the medium, and none is torn.
 */
export class VolatileBlockStore implements BlockStore {
  readonly byteLength: number
  readonly sectorBytes: number
  readonly readOnly: boolean
  readonly discardUnits: DiscardUnits
  readonly #medium: Uint8Array
  /** What is read. */
  readonly #cache: Uint8Array
  readonly #cached: MemoryBlockStore
  /** In the order of the writes. */
  #unflushed: UnflushedSector[] = []

  /**
   * @param medium what is durable, used in place
   * @throws as `MemoryBlockStore`
   */
  constructor(medium: Uint8Array, options: MemoryBlockStoreOptions = {}) {
    this.#medium = medium
    this.#cache = medium.slice()
    this.#cached = new MemoryBlockStore(this.#cache, options)
    this.byteLength = medium.length
    this.sectorBytes = this.#cached.sectorBytes
    this.readOnly = this.#cached.readOnly
    this.discardUnits = { granularityBytes: this.sectorBytes }
  }

  /** How many sectors changed since the last flush, each counted as often as it was written. */
  get unflushedSectors(): number {
    return this.#unflushed.length
  }

  read(position: number, targets: readonly Uint8Array[]): void {
    this.#cached.read(position, targets)
  }

  write(position: number, sources: readonly Uint8Array[]): void {
    const byteLength = transferBytes(this.byteLength, position, sources)
    this.#cached.write(position, sources)
    this.#note(position, byteLength)
  }

  discard(position: number, byteLength: number): void {
    this.writeZeroes(position, byteLength)
  }

  writeZeroes(position: number, byteLength: number): void {
    this.#cached.writeZeroes(position, byteLength)
    this.#note(position, byteLength)
  }

  flush(): void {
    this.powerCut(() => true)
  }

  /**
   * The cache is gone, and the disk reads as what had reached the medium by then.
   * @param reached told of each sector that changed since the last flush, by its number in the order of the writes: had
   * it been written already? Of several writes of one sector the latest that had counts.
   */
  powerCut(reached: (index: number) => boolean): void {
    for (const [index, { position, bytes }] of this.#unflushed.entries())
      if (reached(index)) this.#medium.set(bytes, position)
    this.#unflushed = []
    this.#cache.set(this.#medium)
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #note(position: number, byteLength: number): void {
    const end = position + byteLength
    for (let at = position, next: number; at < end; at = next) {
      next = Math.min(end, (Math.floor(at / this.sectorBytes) + 1) * this.sectorBytes)
      this.#unflushed.push({ position: at, bytes: this.#cache.slice(at, next) })
    }
  }
}
