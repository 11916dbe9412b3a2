import { SECTOR_BYTES, XenError } from '@split-driver/abi'
import type { BlockStore, DiscardUnits } from '../block-store.js'
import { sliceViews } from '../views.js'
import { assertRange, transferBytes } from './geometry.js'
import { OverlayLayer } from './overlay/overlay-layer.js'
import { overlayLayout } from './overlay/overlay-layout.js'
import { Parts, type Pending } from './pending.js'

export interface OverlayOptions {
  /** Read where nothing changed. Nobody else may write it meanwhile. */
  readonly base: BlockStore
  /** Where the changes go: `changesBytes` long, all zeros at first, later what an overlay of the same disk left there. */
  readonly changes: BlockStore
}

/** Copied at once by `commit`. */
const COMMIT_SECTORS = 2048

/**
 * A disk of which only what changes is stored, sector by sector; the rest is read from a base that stays as it is until
 * `commit`. What was flushed outlives a crash. Both stores end with the overlay.
 */
export class OverlayBlockStore implements BlockStore {
  readonly byteLength: number
  readonly sectorBytes: number
  readonly readOnly: boolean
  readonly discardUnits?: DiscardUnits
  readonly discard?: (position: number, byteLength: number) => Pending
  readonly writeZeroes?: (position: number, byteLength: number) => Pending
  #base: BlockStore
  #layer: OverlayLayer
  #busy = false

  private constructor(base: BlockStore, layer: OverlayLayer, readOnly: boolean) {
    this.#base = base
    this.#layer = layer
    this.byteLength = base.byteLength
    this.sectorBytes = base.sectorBytes
    this.readOnly = readOnly
    if (!layer.canZero) return
    this.writeZeroes = (position, byteLength) => this.#zero(position, byteLength)
    // To forget the change would show the base again, which the guest may have overwritten long ago.
    this.discard = this.writeZeroes
    this.discardUnits = { granularityBytes: this.sectorBytes }
  }

  /**
   * How long the store for the changes of a disk must be, in bytes. In a file, what is never written takes no space.
   * @param changesSectorBytes sector size of that store
   */
  static changesBytes({ byteLength }: Pick<BlockStore, 'byteLength'>, changesSectorBytes = SECTOR_BYTES): number {
    return overlayLayout(byteLength, changesSectorBytes).dataStart + byteLength
  }

  /** @throws XenError EINVAL: `changes` is too small, or holds something else than changes of such a disk */
  static async open({ base, changes }: OverlayOptions): Promise<OverlayBlockStore> {
    return new OverlayBlockStore(base, await OverlayLayer.open(changes, base.byteLength), changes.readOnly)
  }

  read(position: number, targets: readonly Uint8Array[]): Pending {
    const total = transferBytes(this.byteLength, position, targets)
    const { changed } = this.#layer
    const first = position / SECTOR_BYTES
    const limit = first + total / SECTOR_BYTES
    if (total === 0) return
    if (changed.runEnd(first, limit) === limit) return this.#sourceOf(first).read(position, targets)
    const parts = new Parts()
    for (let sector = first, end: number; sector < limit; sector = end) {
      end = changed.runEnd(sector, limit)
      const views = sliceViews(targets, (sector - first) * SECTOR_BYTES, (end - first) * SECTOR_BYTES)
      const source = this.#sourceOf(sector)
      parts.add(() => source.read(sector * SECTOR_BYTES, views))
    }
    return parts.done()
  }

  write(position: number, sources: readonly Uint8Array[]): Pending {
    this.#assertWritable()
    return this.#layer.write(position, transferBytes(this.byteLength, position, sources), sources)
  }

  flush(): Promise<void> {
    return this.#layer.flush()
  }

  /**
   * Writes what changed into the base and takes it up from there; the disk may be used meanwhile. After a crash during
   * it, it can be repeated.
   * @returns how many bytes that were
   * @throws XenError EROFS the base is read-only, EBUSY a commit or snapshot is at work, or what a store says
   */
  async commit(): Promise<number> {
    this.#assertWritable()
    if (this.#base.readOnly) throw new XenError('EROFS', 'the base of this overlay is read-only')
    const layer = this.#layer
    return this.#alone(async () => {
      layer.watchRewrites()
      try {
        await layer.settled()
        const runs = await this.#copyChanges()
        await this.#base.flush()
        let sectors = 0
        for (const [first, end] of runs) {
          layer.forget(first, end)
          sectors += end - first
        }
        await layer.flush()
        return sectors * SECTOR_BYTES
      } finally {
        layer.unwatchRewrites()
      }
    })
  }

  /**
   * From now on changes go to `changes`. Writes that are in work now belong to the snapshot.
   * @param changes as `OverlayOptions.changes`, all zeros
   * @returns the disk as it was, read-only and durable; it is valid as long as this overlay
   * @throws XenError EINVAL as `open`, EBUSY a commit or snapshot is at work
   */
  async snapshot(changes: BlockStore): Promise<BlockStore> {
    this.#assertWritable()
    return this.#alone(async () => {
      const next = await OverlayLayer.open(changes, this.byteLength)
      const layer = this.#layer
      const frozen = new OverlayBlockStore(this.#base, layer, true)
      this.#base = frozen
      this.#layer = next
      await layer.settled()
      await layer.flush()
      return frozen
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#layer[Symbol.asyncDispose]()
    await this.#base[Symbol.asyncDispose]()
  }

  #zero(position: number, byteLength: number): Pending {
    this.#assertWritable()
    assertRange(this.byteLength, position, byteLength)
    return this.#layer.writeZeroes(position, byteLength)
  }

  #sourceOf(sector: number): Pick<BlockStore, 'read'> {
    return this.#layer.changed.has(sector) ? this.#layer : this.#base
  }

  async #copyChanges(): Promise<[first: number, end: number][]> {
    const { changed } = this.#layer
    const runs: [number, number][] = []
    for (let sector = 0, end: number; sector < changed.size; sector = end) {
      end = changed.runEnd(sector, Math.min(changed.size, sector + COMMIT_SECTORS))
      if (!changed.has(sector)) continue
      const bytes = new Uint8Array((end - sector) * SECTOR_BYTES)
      await this.#layer.read(sector * SECTOR_BYTES, [bytes])
      await this.#base.write(sector * SECTOR_BYTES, [bytes])
      runs.push([sector, end])
    }
    return runs
  }

  async #alone<T>(work: () => Promise<T>): Promise<T> {
    if (this.#busy) throw new XenError('EBUSY', 'a commit or a snapshot of this overlay is at work')
    this.#busy = true
    try {
      return await work()
    } finally {
      this.#busy = false
    }
  }

  #assertWritable(): void {
    if (this.readOnly) throw new XenError('EROFS', 'this overlay is read-only')
  }
}
