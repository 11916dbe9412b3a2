import { PAGE_WORDS } from '@split-driver/abi'
import type { MachineMemory } from '../memory/machine-memory.js'
import type { DomainTable } from './domain-table.js'
import type { FrameTable } from './frame-table.js'
import { FrameOwner } from './machine-layout.js'

/** Where a table of every domain is found. */
export interface PagedTableShape {
  /** Field of the domain record that holds the frame of the directory. */
  readonly directory: number
  /** First word of the directory in that frame. */
  readonly at: number
  /** Field of the domain record that says how far the table reaches, in frames. */
  readonly reach: number
  readonly maxFrames: number
  /** Words of a record; a power of two. */
  readonly recordWords: number
}

/**
 * A table that every domain has one of, and that costs only the frames it needs: a directory of frame numbers, 0 where there is none yet. Domains are
 * named by their record in the domain table. Callers hold the machine's lock.
 */
export class PagedTable {
  readonly #words: Int32Array
  readonly #domains: DomainTable
  readonly #frames: FrameTable
  readonly #shape: PagedTableShape
  readonly #perFrame: number

  constructor(memory: MachineMemory, domains: DomainTable, frames: FrameTable, shape: PagedTableShape) {
    this.#words = memory.words
    this.#domains = domains
    this.#frames = frames
    this.#shape = shape
    this.#perFrame = PAGE_WORDS / shape.recordWords
  }

  /** The frame at `slot` of the directory; 0 if there is none. */
  frameAt(record: number, slot: number): number {
    return slot >>> 0 < this.#shape.maxFrames ? this.#words[this.#entry(record, slot)]! : 0
  }

  /** Word index of a record; −1 where its frame is not there. */
  wordOf(record: number, index: number): number {
    const frame = this.frameAt(record, Math.floor(index / this.#perFrame))
    return frame === 0 ? -1 : frame * PAGE_WORDS + (index & (this.#perFrame - 1)) * this.#shape.recordWords
  }

  /** As `wordOf`, with a frame allocated if need be; −1 beyond the table's end, or if the machine has no frame left. */
  ensure(record: number, index: number): number {
    const slot = Math.floor(index / this.#perFrame)
    if (this.frameAt(record, slot) === 0 && !this.#add(record, slot)) return -1
    return this.wordOf(record, index)
  }

  /** One more than the highest index there may be a record at. */
  reach(record: number): number {
    return this.#domains.get(record, this.#shape.reach) * this.#perFrame
  }

  /** Frames that the table has now. */
  frameCount(record: number): number {
    let count = 0
    for (let slot = 0; slot < this.#domains.get(record, this.#shape.reach); slot++)
      if (this.frameAt(record, slot) !== 0) count++
    return count
  }

  /** Gives back all of it. */
  free(record: number): void {
    this.truncate(record, 0)
  }

  /** Gives back what reaches beyond the first `frames` frames. */
  truncate(record: number, frames: number): void {
    const reach = this.#domains.get(record, this.#shape.reach)
    for (let slot = frames; slot < reach; slot++) {
      const entry = this.#entry(record, slot)
      const frame = this.#words[entry]!
      this.#words[entry] = 0
      if (frame !== 0) this.#frames.free(frame, 1)
    }
    this.#domains.set(record, this.#shape.reach, Math.min(reach, frames))
  }

  #add(record: number, slot: number): boolean {
    if (slot >>> 0 !== slot || slot >= this.#shape.maxFrames) return false
    const frame = this.#frames.tryAllocate(1, FrameOwner.Hypervisor)
    if (frame < 0) return false
    this.#words[this.#entry(record, slot)] = frame
    const reach = this.#domains.get(record, this.#shape.reach)
    if (slot >= reach) this.#domains.set(record, this.#shape.reach, slot + 1)
    return true
  }

  #entry(record: number, slot: number): number {
    return this.#domains.get(record, this.#shape.directory) * PAGE_WORDS + this.#shape.at + slot
  }
}
