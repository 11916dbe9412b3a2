import type { Domid } from '@split-driver/abi'
import type { Clock, Timer } from '@split-driver/platform'
import type { Hypervisor } from './hypervisor/hypervisor.js'
import { domainRecord } from './hypervisor/machine-layout.js'
import type { Upcall } from './wakeups.js'

/**
 * Keeps events and timers from a domain whose vcpus the hypervisor holds. Nothing is lost: what was due meanwhile happens when
 * it runs again. JavaScript that runs already goes on to its next `await`, or, in a thread of its own, to its next hypercall.
 */
export class PauseGate {
  readonly #words: Int32Array
  readonly #word: number
  readonly #due = new Set<() => void>()
  #closed = false

  /** @throws XenError ESRCH */
  constructor(xen: Hypervisor, domid: Domid) {
    this.#words = xen.memory.words
    this.#word = xen.domains.record(domid) + domainRecord.holds
  }

  get isHeld(): boolean {
    return this.#closed || Atomics.load(this.#words, this.#word) > 0
  }

  /** The domain is no more: nothing gets through, and its record, which may be another's now, is not looked at again. */
  close(): void {
    this.#closed = true
    this.#due.clear()
  }

  /** Runs now, or when the domain runs again. @returns prevents that */
  pass(run: () => void): () => void {
    if (!this.isHeld) {
      run()
      return () => {}
    }
    const later = () => run()
    this.#due.add(later)
    return () => void this.#due.delete(later)
  }

  /** Fulfilled when the domain runs; never, if it is destroyed before. */
  whenRunning(): Promise<void> {
    return new Promise((resolve) => this.pass(resolve))
  }

  /** As `upcall`, but not while the domain is held; what was kept back comes first. */
  gated(upcall: Upcall): Upcall {
    return () => {
      if (this.isHeld) return false
      for (const run of this.#due) {
        this.#due.delete(run)
        run()
      }
      // What was kept back may have ended this platform.
      if (this.isHeld) return false
      return upcall()
    }
  }

  clock(clock: Clock): Clock {
    return {
      now: () => clock.now(),
      setTimer: (milliseconds, callback): Timer => {
        let forget = () => {}
        const timer = clock.setTimer(milliseconds, () => {
          forget = this.pass(callback)
        })
        return {
          cancel: () => {
            timer.cancel()
            forget()
          },
        }
      },
    }
  }
}
