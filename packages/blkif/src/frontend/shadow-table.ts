import type { DataPage } from './data-page.js'
import type { Transfer } from './transfer.js'

/**
 * What this side knows of its outstanding requests. Nothing of a request is ever read back from the ring, where the
 * backend could have changed it (R1): a response only points in here.
 *
 * A request's id is its index in this table and, in the upper half, how often that place was used: so the second
 * response to one request is told from the response to the next.
 */
export class ShadowTable {
  /** Where in its transfer the request's bytes begin. */
  readonly offset: Float64Array
  readonly byteLength: Int32Array
  /** Pages of the pool that the request holds: those of its data, if they are not the caller's own, then its descriptors. */
  readonly pages: readonly DataPage[][]
  readonly #transfers: (Transfer | undefined)[]
  readonly #uses: Int32Array
  readonly #free: Int32Array
  #freeCount: number

  /** @param size most requests outstanding: the slots of the ring */
  constructor(size: number) {
    this.offset = new Float64Array(size)
    this.byteLength = new Int32Array(size)
    this.pages = Array.from({ length: size }, () => [])
    this.#transfers = new Array(size).fill(undefined)
    this.#uses = new Int32Array(size)
    this.#free = Int32Array.from({ length: size }, (_, i) => size - 1 - i)
    this.#freeCount = size
  }

  get outstanding(): number {
    return this.#free.length - this.#freeCount
  }

  /** The place that will be taken next. At least one is free. */
  peek(): number {
    return this.#free[this.#freeCount - 1]!
  }

  /** Takes the place that `peek` told. @returns the upper half of the id */
  take(transfer: Transfer, offset: number, byteLength: number): number {
    const index = this.#free[--this.#freeCount]!
    this.#transfers[index] = transfer
    this.offset[index] = offset
    this.byteLength[index] = byteLength
    this.#uses[index]!++
    return this.#uses[index]!
  }

  /** The transfer of the request with this id, or undefined if no such request is outstanding. */
  find(index: number, uses: number): Transfer | undefined {
    return index >>> 0 < this.#transfers.length && this.#uses[index] === uses ? this.#transfers[index] : undefined
  }

  release(index: number): void {
    this.#transfers[index] = undefined
    this.#free[this.#freeCount++] = index
  }

  /** Releases all. @returns the transfer of each request that was outstanding; the same one as often as it had requests */
  releaseAll(): Transfer[] {
    const released: Transfer[] = []
    for (const [index, transfer] of this.#transfers.entries()) {
      if (transfer === undefined) continue
      released.push(transfer)
      this.release(index)
    }
    return released
  }
}
