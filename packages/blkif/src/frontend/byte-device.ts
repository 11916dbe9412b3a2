import { SECTOR_BYTES } from '@split-driver/abi'
import type { BlockDevice } from '../block-device.js'
import type { BlkifFrontend } from './blkif-frontend.js'
import type { Buffers } from './scatter.js'
import { WriteOrder } from './write-order.js'

/** What this face needs of a disk. */
export interface SectorDisk extends Pick<BlkifFrontend, 'flush' | 'sectorBytes' | 'sectorCount' | 'readOnly'> {
  read(sectorNumber: number, target: Uint8Array | Buffers): Promise<void>
  write(sectorNumber: number, source: Uint8Array | Buffers): Promise<void>
}

/** The whole sectors around a range of bytes, and how many of their bytes lie before and after it. */
interface Cover {
  readonly sectorNumber: number
  readonly before: Uint8Array
  readonly after: Uint8Array
}

/**
 * The byte-wise face of a disk, over which the data moves without another copy. What lies beside an unaligned range in its
 * first and last sector is read along and, for a write, written back; such a write runs alone, so that no two of them
 * undo each other.
 */
export class ByteDevice implements BlockDevice {
  readonly byteLength: number
  readonly readOnly: boolean
  readonly #disk: SectorDisk
  readonly #writes = new WriteOrder()

  /** @param disk connected; it stays the caller's to close */
  constructor(disk: SectorDisk) {
    this.#disk = disk
    this.byteLength = disk.sectorCount * SECTOR_BYTES
    this.readOnly = disk.readOnly
  }

  async read(position: number, target: Uint8Array): Promise<void> {
    const { sectorNumber, before, after } = this.#cover(position, target.length)
    await this.#disk.read(sectorNumber, [before, target, after])
  }

  async write(position: number, source: Uint8Array): Promise<void> {
    const cover = this.#cover(position, source.length)
    if (source.length === 0) return
    const isWhole = cover.before.length === 0 && cover.after.length === 0
    if (isWhole) await this.#writes.together(() => this.#disk.write(cover.sectorNumber, source))
    else await this.#writes.alone(() => this.#writeWithin(cover, source))
  }

  flush(): Promise<void> {
    return this.#disk.flush()
  }

  async #writeWithin({ sectorNumber, before, after }: Cover, source: Uint8Array): Promise<void> {
    const { sectorBytes } = this.#disk
    const total = before.length + source.length + after.length
    const last = sectorNumber + (total - sectorBytes) / SECTOR_BYTES
    const beside = (length: number) => new Uint8Array(sectorBytes - length)
    await Promise.all([
      before.length > 0 && this.#disk.read(sectorNumber, [before, beside(before.length)]),
      after.length > 0 && this.#disk.read(last, [beside(after.length), after]),
    ])
    await this.#disk.write(sectorNumber, [before, source, after])
  }

  #cover(position: number, length: number): Cover {
    if (!(Number.isSafeInteger(position) && position >= 0 && position + length <= this.byteLength))
      throw new RangeError(`${length} bytes at ${position} lie beyond the disk's ${this.byteLength} bytes`)
    const { sectorBytes } = this.#disk
    const before = length === 0 ? 0 : position % sectorBytes
    const after = length === 0 ? 0 : (sectorBytes - ((position + length) % sectorBytes)) % sectorBytes
    return {
      sectorNumber: Math.floor(position / sectorBytes) * (sectorBytes / SECTOR_BYTES),
      before: new Uint8Array(before),
      after: new Uint8Array(after),
    }
  }
}
