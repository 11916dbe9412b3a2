import { SECTOR_BYTES } from '@split-driver/abi'
import { tagOfSector } from './sector-pattern.js'

/** What one sector may hold, as tags of writes. */
interface SectorModel {
  /** If it is read now. */
  now: Set<number>
  /** If power is lost now. */
  afterLoss: Set<number>
}

/** What the disk may have held when a flush began. */
export interface FlushPoint {
  /** Writes with this tag or a higher one began later. */
  readonly firstLater: number
  readonly sectors: readonly ReadonlySet<number>[]
}

/**
 * What a disk may hold, as a guest can know it: a write that is under way or has failed may or may not have been done, one
 * that succeeded has been, and it outlasts a loss of power once a flush that began later has succeeded. The requests that are
 * under way at one time must not overlap.
 */
export class DiskModel {
  readonly #sectors: SectorModel[]
  #nextTag = 1
  #losses = 0
  /** Writes with a lower tag began before power was lost for the last time. */
  #firstSinceLoss = 1

  /** Every sector holds tag 0. */
  constructor(sectorCount: number) {
    this.#sectors = Array.from({ length: sectorCount }, () => ({ now: new Set([0]), afterLoss: new Set([0]) }))
  }

  get sectorCount(): number {
    return this.#sectors.length
  }

  /** How often power was lost: who reads must know whether it was in between. */
  get losses(): number {
    return this.#losses
  }

  /** @returns the tag of this write */
  beginWrite(sector: number, count: number): number {
    const tag = this.#nextTag++
    for (const model of this.#range(sector, count)) {
      model.now.add(tag)
      model.afterLoss.add(tag)
    }
    return tag
  }

  /** It succeeded, and nothing of what was there before is there any more; unless what was written has been lost since. */
  endWrite(sector: number, count: number, tag: number): void {
    if (tag < this.#firstSinceLoss) return
    for (const model of this.#range(sector, count)) model.now = new Set([tag])
  }

  beginFlush(): FlushPoint {
    return { firstLater: this.#nextTag, sectors: this.#sectors.map(({ now }) => new Set(now)) }
  }

  /** It succeeded: what the disk held when it began, or what was written since, is what remains. */
  endFlush({ firstLater, sectors }: FlushPoint): void {
    this.#sectors.forEach((model, i) => {
      const later = [...model.afterLoss].filter((tag) => tag >= firstLater)
      model.afterLoss = new Set([...sectors[i]!, ...later])
    })
  }

  /** All that was written and not flushed may be gone. */
  losePower(): void {
    this.#losses++
    this.#firstSinceLoss = this.#nextTag
    for (const model of this.#sectors) model.now = new Set(model.afterLoss)
  }

  /**
   * A read has seen these bytes. From now on the sectors hold what it saw, unless that has been lost since.
   * @param losses as it was when the read began @returns what is wrong with them
   */
  judgeRead(sector: number, bytes: Uint8Array, losses: number): string | undefined {
    const wrong = this.#judge(sector, bytes, ({ now }) => now)
    if (wrong !== undefined) return `a read: ${wrong}`
    if (losses !== this.#losses) return undefined
    this.#range(sector, bytes.length / SECTOR_BYTES).forEach((model, i) => {
      model.now = new Set([tagOfSector(bytes.subarray(i * SECTOR_BYTES))])
    })
    return undefined
  }

  /** The disk as it lies there, with nothing under way. @returns what is wrong with it */
  judgeAtRest(bytes: Uint8Array): string | undefined {
    const wrong = this.#judge(0, bytes, ({ now }) => now)
    return wrong && `at rest: ${wrong}`
  }

  #range(sector: number, count: number): SectorModel[] {
    return this.#sectors.slice(sector, sector + count)
  }

  #judge(first: number, bytes: Uint8Array, allowed: (model: SectorModel) => Set<number>): string | undefined {
    for (let i = 0; i < bytes.length / SECTOR_BYTES; i++) {
      const tags = allowed(this.#sectors[first + i]!)
      const tag = tagOfSector(bytes.subarray(i * SECTOR_BYTES))
      if (tags.has(tag)) continue
      const holds = tag < 0 ? 'is of no one write' : `holds write ${tag}`
      return `sector ${first + i} ${holds}, not ${[...tags].join(' or ')}`
    }
    return undefined
  }
}
