import { header } from '../hypervisor/machine-layout.js'

/**
 * Tells toolstacks that some domain has shut down. On real Xen they learn it from the XenStore daemon, which binds
 * VIRQ_DOM_EXC; a toolstack of this machine need not live in the control domain's thread, and must not depend on its daemon.
 */
export class DomainExceptions {
  readonly #words: Int32Array
  readonly #parallel: boolean
  readonly #local = new Set<() => void>()

  /** @param parallel somebody in another thread may listen, or raise */
  constructor(words: Int32Array, parallel: boolean) {
    this.#words = words
    this.#parallel = parallel
  }

  /** Callable from any thread. */
  raise(): void {
    Atomics.add(this.#words, header.exceptions, 1)
    if (this.#parallel) Atomics.notify(this.#words, header.exceptions)
    else for (const handler of this.#local) queueMicrotask(handler)
  }

  /** Calls back after each `raise`, once for several that came close together. @returns ends that */
  listen(handler: () => void): () => void {
    return this.#parallel ? this.#listenToFutex(handler) : this.#listenHere(handler)
  }

  #listenHere(handler: () => void): () => void {
    const mine = () => {
      if (this.#local.has(mine)) handler()
    }
    this.#local.add(mine)
    return () => void this.#local.delete(mine)
  }

  #listenToFutex(handler: () => void): () => void {
    const words = this.#words
    let stopped = false
    const sleepAndTell = async (seen: number): Promise<void> => {
      const sleep = Atomics.waitAsync(words, header.exceptions, seen)
      if (sleep.async) await sleep.value
      if (stopped) return
      const now = Atomics.load(words, header.exceptions)
      handler()
      void sleepAndTell(now)
    }
    void sleepAndTell(Atomics.load(words, header.exceptions))
    return () => {
      stopped = true
      Atomics.notify(words, header.exceptions)
    }
  }
}
