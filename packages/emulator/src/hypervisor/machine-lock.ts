import type { Domid } from '@split-driver/abi'
import { header } from './machine-layout.js'

/** Spins before sleeping: a holder needs the lock for well under a microsecond. */
const SPINS = 200

/**
 * The hypervisor's lock: a futex in the machine's header. One lock for all of the hypervisor's tables, held for a few
 * dozen instructions at a time, keeps every hypercall obviously atomic.
 */
export class MachineLock {
  readonly #words: Int32Array
  #maySleep = true

  constructor(words: Int32Array) {
    this.#words = words
  }

  acquire(caller: Domid): void {
    const words = this.#words
    for (let i = 0; i < SPINS; i++) {
      if (Atomics.compareExchange(words, header.lock, 0, 1) === 0) {
        words[header.lockOwner] = caller + 1
        return
      }
    }
    while (Atomics.exchange(words, header.lock, 2) !== 0) this.#sleep()
    words[header.lockOwner] = caller + 1
  }

  release(): void {
    const words = this.#words
    words[header.lockOwner] = 0
    if (Atomics.exchange(words, header.lock, 0) === 2) Atomics.notify(words, header.lock, 1)
  }

  /**
   * Frees the lock if a thread that was killed held it. Safe only for a caller whose state is `Dying` already: such a
   * caller finds that out first thing under the lock, so it cannot have been killed in the middle of a change.
   */
  releaseIfHeldBy(dead: Domid): void {
    if (Atomics.load(this.#words, header.lockOwner) === dead + 1) this.release()
  }

  /** A browser's main thread must not sleep; there the holder is waited for by spinning. */
  #sleep(): void {
    if (!this.#maySleep) return
    try {
      Atomics.wait(this.#words, header.lock, 2)
    } catch {
      this.#maySleep = false
    }
  }
}
