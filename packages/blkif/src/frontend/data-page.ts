import { type GrantRef, PAGE_BYTES, type SharedMemory } from '@split-driver/abi'
import type { SharedPages } from '@split-driver/grant'

const PAGE_WORDS = PAGE_BYTES / Int32Array.BYTES_PER_ELEMENT

/** One page of ours that the backend may reach. */
export class DataPage {
  readonly ref: GrantRef
  readonly #memory: SharedMemory
  readonly #index: number
  /** Made when it is first asked for, and kept: a request makes no object. */
  #bytes: Uint8Array | undefined

  /** @param index of the page among those that were shared together */
  constructor(shared: SharedPages, index: number) {
    this.ref = shared.refs[index]!
    this.#memory = shared.memory
    this.#index = index
  }

  /** All of it; not to be touched once it is no longer shared. */
  get bytes(): Uint8Array {
    this.#bytes ??= this.#memory.mutableBytes(this.#index * PAGE_BYTES, PAGE_BYTES)
    return this.#bytes
  }

  /** Stores `count` private words at the beginning. */
  put(words: Int32Array, at: number, count: number): void {
    this.#memory.copyIn(this.#index * PAGE_WORDS, words, at, count)
  }
}

export const dataPages = (shared: SharedPages): DataPage[] => shared.refs.map((_, index) => new DataPage(shared, index))
