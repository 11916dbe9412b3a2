import { LEGACY_MAX_VCPUS, type SharedMemory } from '@split-driver/abi'
import { TWO_LEVEL_64, type TwoLevelWords } from './two-level-words.js'

/** A vcpu's two flags in the shared-info page, which every event ABI uses. @see xen/include/public/xen.h vcpu_info */
export class UpcallFlags {
  readonly #page: SharedMemory
  readonly #pending: number
  readonly #mask: number

  /** @throws RangeError unless 0 … 31: there is no other vcpu_info in the shared-info page */
  constructor(page: SharedMemory, vcpu: number, words: TwoLevelWords = TWO_LEVEL_64) {
    if (!Number.isInteger(vcpu) || vcpu < 0 || vcpu >= LEGACY_MAX_VCPUS)
      throw new RangeError(`vcpu ${vcpu} has no vcpu_info in the shared-info page`)
    this.#page = page
    this.#pending = words.upcallPendingByte(vcpu)
    this.#mask = words.upcallMaskByte(vcpu)
  }

  /** An upcall is due, whether it is let through or not. */
  get pending(): boolean {
    return this.#page.load8(this.#pending) !== 0
  }

  get disabled(): boolean {
    return this.#page.load8(this.#mask) !== 0
  }

  /** @returns whether none was due until now */
  raise(): boolean {
    return this.#page.exchange8(this.#pending, 1) === 0
  }

  /** Acknowledges. @returns whether one was due */
  take(): boolean {
    return this.#page.exchange8(this.#pending, 0) !== 0
  }

  disable(): void {
    this.#page.exchange8(this.#mask, 1)
  }

  /** @returns whether one is due */
  enable(): boolean {
    this.#page.exchange8(this.#mask, 0)
    return this.pending
  }
}
