import type { Domid } from '@split-driver/abi'
import type { GrantSharer, SharedPages } from '@split-driver/grant'
import { type DataPage, dataPages } from './data-page.js'

/** Pages of a caller's own, granted until it gives them back and no request on the ring names them. */
export class GrantedMemory {
  readonly pages: readonly DataPage[]
  readonly #sharer: GrantSharer
  readonly #shared: SharedPages
  #requests = 0
  #isGivenBack = false

  constructor(sharer: GrantSharer, shared: SharedPages) {
    this.#sharer = sharer
    this.#shared = shared
    this.pages = dataPages(shared)
  }

  get backendDomid(): Domid {
    return this.#shared.remoteDomid
  }

  get isGivenBack(): boolean {
    return this.#isGivenBack
  }

  bytes(byteLength: number): Uint8Array {
    return this.#shared.memory.mutableBytes(0, byteLength)
  }

  /** A request that names its pages is on the ring: they stay until it is done. */
  hold(): void {
    this.#requests++
  }

  release(): void {
    this.#requests--
    this.#unshareIfDone()
  }

  giveBack(): void {
    if (this.#isGivenBack) return
    this.#isGivenBack = true
    this.#unshareIfDone()
  }

  #unshareIfDone(): void {
    if (this.#isGivenBack && this.#requests === 0) this.#sharer.unshare(this.#shared)
  }
}
