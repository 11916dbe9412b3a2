import type { KeyValues } from '@split-driver/xenbus'
import type { DiscardUnits } from '../block-store.js'
import type { geometryKeys } from '../wire/device-keys.js'
import {
  DISCARD_ALIGNMENT,
  DISCARD_GRANULARITY,
  DISCARD_SECURE,
  FEATURE_BARRIER,
  FEATURE_DISCARD,
  FEATURE_FLUSH_CACHE,
} from '../wire/keys.js'
import { BlkifOp, BlkifStatus } from '../wire/operations.js'

/** In which pieces a backend gives space back, all of it said. */
export type DiscardSupport = Required<DiscardUnits>

/**
 * Operations that a backend need not do: what it offered, less what it refused since. Writes are made durable preferably
 * by a flush, else by an empty barrier (rule 27).
 */
export class OptionalOperations {
  /** At least one of flush and barrier was offered. */
  readonly offeredFlush: boolean
  #flushCache: boolean
  #barrier: boolean
  #discard: DiscardSupport | undefined

  constructor(keys: KeyValues<(typeof geometryKeys)['shapes']>) {
    this.#flushCache = keys[FEATURE_FLUSH_CACHE]
    this.#barrier = keys[FEATURE_BARRIER]
    this.offeredFlush = this.#flushCache || this.#barrier
    if (!keys[FEATURE_DISCARD]) return
    this.#discard = {
      granularityBytes: keys[DISCARD_GRANULARITY],
      alignmentBytes: keys[DISCARD_ALIGNMENT],
      secure: keys[DISCARD_SECURE],
    }
  }

  get flushCache(): boolean {
    return this.#flushCache
  }

  get barrier(): boolean {
    return this.#barrier
  }

  get discard(): DiscardSupport | undefined {
    return this.#discard
  }

  /** What to send for a flush, if anything. */
  get flushOperation(): BlkifOp | undefined {
    if (this.#flushCache) return BlkifOp.FlushDiskcache
    return this.#barrier ? BlkifOp.WriteBarrier : undefined
  }

  /** Refused as not supported, or, a flush, failed though it was empty: it is not tried again. */
  failed(operation: number, status: BlkifStatus): void {
    if (operation === BlkifOp.FlushDiskcache) this.#flushCache = false
    if (operation === BlkifOp.WriteBarrier) this.#barrier = false
    if (operation === BlkifOp.Discard && status === BlkifStatus.NotSupported) this.#discard = undefined
  }
}
