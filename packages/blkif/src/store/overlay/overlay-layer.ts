import { SECTOR_BYTES, XenError } from '@split-driver/abi'
import type { BlockStore } from '../../block-store.js'
import type { Pending } from '../pending.js'
import { judgeOverlayHeader, type OverlayLayout, overlayHeader, overlayLayout } from './overlay-layout.js'
import { SectorSet } from './sector-set.js'

/**
 * One generation of a disk's changes: which sectors changed, and what they hold now. The map on the medium never names a
 * sector whose data could be lost: data are made durable first, and a flush is done when the map is, too.
 */
export class OverlayLayer {
  readonly changed: SectorSet
  readonly #store: BlockStore
  readonly #layout: OverlayLayout
  /** Pieces of the map that differ from what lies on the medium. */
  readonly #dirty = new Set<number>()
  /** Sectors written since `watchRewrites`. */
  #rewritten: SectorSet | undefined
  readonly #inWork = new Set<Promise<void>>()
  #flushing: Promise<void> | undefined
  #nextFlush: Promise<void> | undefined

  private constructor(store: BlockStore, layout: OverlayLayout) {
    this.#store = store
    this.#layout = layout
    this.changed = new SectorSet(layout.byteLength / SECTOR_BYTES)
  }

  /** @throws XenError EINVAL: `store` is too small, or holds something else than changes of such a disk */
  static async open(store: BlockStore, byteLength: number): Promise<OverlayLayer> {
    const layout = overlayLayout(byteLength, store.sectorBytes)
    const needed = layout.dataStart + byteLength
    if (store.byteLength < needed)
      throw new XenError('EINVAL', `the store for changes has ${store.byteLength} bytes, and ${needed} are needed`)
    const layer = new OverlayLayer(store, layout)
    const header = new Uint8Array(layout.mapUnitBytes)
    await store.read(0, [header])
    if (judgeOverlayHeader(header, layout)) await layer.#readMap()
    else if (!store.readOnly) await store.write(0, [overlayHeader(layout)])
    return layer
  }

  get canZero(): boolean {
    return this.#store.writeZeroes !== undefined
  }

  read(position: number, targets: readonly Uint8Array[]): Pending {
    return this.#store.read(this.#layout.dataStart + position, targets)
  }

  write(position: number, byteLength: number, sources: readonly Uint8Array[]): Pending {
    return this.#change(position, byteLength, this.#store.write(this.#layout.dataStart + position, sources))
  }

  writeZeroes(position: number, byteLength: number): Pending {
    return this.#change(position, byteLength, this.#store.writeZeroes!(this.#layout.dataStart + position, byteLength))
  }

  /** One pass at a time; who comes during one waits for the next, which covers all that come until it begins. */
  flush(): Promise<void> {
    if (this.#flushing === undefined) return this.#beginFlush()
    this.#nextFlush ??= this.#flushing.then(this.#beginFlush, this.#beginFlush)
    return this.#nextFlush
  }

  /** Every write that began before is done, well or not. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#inWork)
  }

  /** From now on it is noted which sectors are written. */
  watchRewrites(): void {
    this.#rewritten = new SectorSet(this.changed.size)
  }

  /** What `changed` says of these sectors is no longer so, except where they were written since `watchRewrites`. */
  forget(first: number, end: number): void {
    const rewritten = this.#rewritten!
    for (let sector = first; sector < end; ) {
      const next = rewritten.runEnd(sector, end)
      if (!rewritten.has(sector)) this.#remap(sector, next, false)
      sector = next
    }
  }

  unwatchRewrites(): void {
    this.#rewritten = undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#store[Symbol.asyncDispose]()
  }

  #change(position: number, byteLength: number, writing: Pending): Pending {
    const first = position / SECTOR_BYTES
    const end = first + byteLength / SECTOR_BYTES
    this.#rewritten?.add(first, end)
    if (writing === undefined) return this.#remap(first, end, true)
    const change = writing.then(() => {
      this.#rewritten?.add(first, end)
      this.#remap(first, end, true)
    })
    this.#inWork.add(change)
    const ended = () => void this.#inWork.delete(change)
    change.then(ended, ended)
    return change
  }

  #remap(first: number, end: number, isChanged: boolean): void {
    const { mapUnitBytes } = this.#layout
    const unitSectors = mapUnitBytes * 8
    for (let sector = first; sector < end; ) {
      const next = Math.min(end, (Math.floor(sector / unitSectors) + 1) * unitSectors)
      if (this.changed.has(sector) !== isChanged || this.changed.runEnd(sector, next) < next) {
        if (isChanged) this.changed.add(sector, next)
        else this.changed.delete(sector, next)
        this.#dirty.add(Math.floor(sector / unitSectors))
      }
      sector = next
    }
  }

  readonly #beginFlush = (): Promise<void> => {
    this.#nextFlush = undefined
    this.#flushing = this.#flushPass().finally(() => {
      this.#flushing = undefined
    })
    return this.#flushing
  }

  async #flushPass(): Promise<void> {
    const units = [...this.#dirty]
    // As they are now: what comes later rests on data that this flush does not cover.
    const pieces = units.map((unit) => this.#mapPiece(unit))
    this.#dirty.clear()
    try {
      await this.#store.flush()
      if (units.length === 0) return
      const { mapStart, mapUnitBytes } = this.#layout
      for (const [i, unit] of units.entries()) await this.#store.write(mapStart + unit * mapUnitBytes, [pieces[i]!])
      await this.#store.flush()
    } catch (error) {
      for (const unit of units) this.#dirty.add(unit)
      throw error
    }
  }

  async #readMap(): Promise<void> {
    const { mapStart, mapBytes } = this.#layout
    const map = new Uint8Array(mapBytes)
    await this.#store.read(mapStart, [map])
    this.changed.bytes.set(map.subarray(0, this.changed.bytes.length))
  }

  #mapPiece(unit: number): Uint8Array {
    const { mapUnitBytes } = this.#layout
    const piece = new Uint8Array(mapUnitBytes)
    piece.set(this.changed.bytes.subarray(unit * mapUnitBytes, (unit + 1) * mapUnitBytes))
    return piece
  }
}
