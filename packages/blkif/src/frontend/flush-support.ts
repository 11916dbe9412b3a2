import { BlkifOp } from '../wire/operations.js'

/** How this backend is told to make writes durable: preferably by a flush, else by an empty barrier (rule 27). */
export class FlushSupport {
  /** At least one was advertised. */
  readonly wasOffered: boolean
  #flushCache: boolean
  #barrier: boolean

  constructor(flushCache: boolean, barrier: boolean) {
    this.wasOffered = flushCache || barrier
    this.#flushCache = flushCache
    this.#barrier = barrier
  }

  get flushCache(): boolean {
    return this.#flushCache
  }

  get barrier(): boolean {
    return this.#barrier
  }

  /** What to send, if anything. */
  get operation(): BlkifOp | undefined {
    if (this.#flushCache) return BlkifOp.FlushDiskcache
    return this.#barrier ? BlkifOp.WriteBarrier : undefined
  }

  /** Refused as not supported, or failed though it was empty: it is not tried again. */
  failed(operation: number): void {
    if (operation === BlkifOp.FlushDiskcache) this.#flushCache = false
    if (operation === BlkifOp.WriteBarrier) this.#barrier = false
  }
}
