import { SECTOR_BYTES } from '@split-driver/abi'

/** Which bytes of a read have come, in whatever order: each once, and at the end all. */
export class Coverage {
  readonly #position: number
  readonly #byteLength: number
  /** Begin and end of each stretch, in ascending order, none beside another. */
  #bounds: number[] = []

  constructor(position: number, byteLength: number) {
    this.#position = position
    this.#byteLength = byteLength
  }

  get complete(): boolean {
    return this.#bounds.length === 2 && this.#bounds[1]! - this.#bounds[0]! === this.#byteLength
  }

  /**
   * `length` bytes at `position` come.
   * @returns false if that cannot be: they lie outside, some came before, or there are more pieces than sectors
   */
  add(position: number, length: number): boolean {
    const end = position + length
    if (position < this.#position || end > this.#position + this.#byteLength) return false
    const bounds = this.#bounds
    // From the end: they mostly come in order.
    let at = bounds.length
    while (at > 0 && bounds[at - 2]! >= end) at -= 2
    if (at > 0 && bounds[at - 1]! > position) return false
    const joinsBelow = at > 0 && bounds[at - 1] === position
    const joinsAbove = at < bounds.length && bounds[at] === end
    if (joinsBelow && joinsAbove) bounds.splice(at - 1, 2)
    else if (joinsBelow) bounds[at - 1] = end
    else if (joinsAbove) bounds[at] = position
    else bounds.splice(at, 0, position, end)
    return bounds.length / 2 <= this.#byteLength / SECTOR_BYTES + 1
  }

  clear(): void {
    this.#bounds = []
  }
}
