import { SECTOR_BYTES } from '@split-driver/abi'
import type { TransferStore } from '@split-driver/emulator'
import { fillSectors } from './sector-pattern.js'

/** A disk with a cache that forgets: what was not flushed when power is lost may be gone, sector by sector. */
export class VolatileDisk implements TransferStore {
  readonly byteLength: number
  readonly sectorBytes = SECTOR_BYTES
  readonly readOnly = false
  /** What a read sees. */
  readonly bytes: Uint8Array
  readonly #durable: Uint8Array
  readonly #dirty = new Set<number>()

  constructor(sectorCount: number) {
    this.byteLength = sectorCount * SECTOR_BYTES
    this.bytes = new Uint8Array(this.byteLength)
    fillSectors(this.bytes, 0)
    this.#durable = this.bytes.slice()
  }

  read(position: number, targets: readonly Uint8Array[]): void {
    let at = position
    for (const target of targets) {
      target.set(this.bytes.subarray(at, at + target.length))
      at += target.length
    }
  }

  write(position: number, sources: readonly Uint8Array[]): void {
    let at = position
    for (const source of sources) {
      this.bytes.set(source, at)
      at += source.length
    }
    for (let sector = position / SECTOR_BYTES; sector < at / SECTOR_BYTES; sector++) this.#dirty.add(sector)
  }

  flush(): void {
    for (const sector of this.#dirty) this.#durable.set(this.#sector(this.bytes, sector), sector * SECTOR_BYTES)
    this.#dirty.clear()
  }

  /** @param isLost asked for each sector that was written since the last flush */
  losePower(isLost: () => boolean): void {
    for (const sector of this.#dirty)
      if (isLost()) this.bytes.set(this.#sector(this.#durable, sector), sector * SECTOR_BYTES)
    this.flush()
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #sector(bytes: Uint8Array, sector: number): Uint8Array {
    return bytes.subarray(sector * SECTOR_BYTES, (sector + 1) * SECTOR_BYTES)
  }
}
