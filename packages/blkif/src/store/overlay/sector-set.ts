const WORD_BITS = 32

/** Which sectors of a disk belong to a set; one bit each, little-endian, so that it can lie on a disk as it is. */
export class SectorSet {
  readonly size: number
  readonly bytes: Uint8Array
  readonly #words: Uint32Array

  /** @param size of the disk, in sectors */
  constructor(size: number) {
    this.size = size
    this.#words = new Uint32Array(Math.ceil(size / WORD_BITS))
    this.bytes = new Uint8Array(this.#words.buffer)
  }

  has(sector: number): boolean {
    return (this.#words[sector >>> 5]! & (1 << (sector & 31))) !== 0
  }

  add(first: number, end: number): void {
    for (let sector = first; sector < end; ) sector += this.#change(sector, end, true)
  }

  delete(first: number, end: number): void {
    for (let sector = first; sector < end; ) sector += this.#change(sector, end, false)
  }

  /** @returns where the run of sectors ends, at `limit` at the latest, that are all in the set as `first` is, or all are not */
  runEnd(first: number, limit: number): number {
    const isIn = this.has(first)
    const uniform = isIn ? 0xffff_ffff : 0
    let sector = first + 1
    while (sector < limit) {
      if ((sector & 31) === 0 && this.#words[sector >>> 5] === uniform) sector += WORD_BITS
      else if (this.has(sector) === isIn) sector++
      else return sector
    }
    return limit
  }

  /** Changes what lies in one word. @returns how many sectors that were */
  #change(first: number, end: number, isIn: boolean): number {
    const count = Math.min(end - first, WORD_BITS - (first & 31))
    const mask = count === WORD_BITS ? 0xffff_ffff : ((1 << count) - 1) << (first & 31)
    if (isIn) this.#words[first >>> 5]! |= mask
    else this.#words[first >>> 5]! &= ~mask
    return count
  }
}
