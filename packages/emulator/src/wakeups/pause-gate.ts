import type { Domid } from '@split-driver/abi'
import type { Clock, Timer } from '@split-driver/platform'
import type { Hypervisor } from '../hypervisor/hypervisor.js'
import { domainRecord } from '../hypervisor/machine-layout.js'
import type { Upcall } from './wakeups.js'

/** A timer that is looked at whenever the vcpu wakes. */
export interface Alarm {
  /** Milliseconds; not positive when it is due. */
  untilDue(): number
  ring(): void
}

/**
 * Keeps events and timers from a domain whose vcpus the hypervisor holds. Nothing is lost: what was due meanwhile happens when
 * it runs again. JavaScript that runs already goes on to its next `await`, or, in a thread of its own, to its next hypercall.
 */
export class PauseGate {
  readonly #words: Int32Array
  readonly #word: number
  readonly #due = new Set<() => void>()
  readonly #watchers = new Set<() => boolean>()
  #alarm: Alarm | undefined
  #closed = false

  /** @throws XenError ESRCH */
  constructor(xen: Hypervisor, domid: Domid) {
    this.#words = xen.memory.words
    this.#word = xen.domains.record(domid) + domainRecord.holds
  }

  get isClosed(): boolean {
    return this.#closed
  }

  get isHeld(): boolean {
    return this.#closed || Atomics.load(this.#words, this.#word) > 0
  }

  /** The domain is no more: nothing gets through, and its record, which may be another's now, is not looked at again. */
  close(): void {
    this.#closed = true
    this.#due.clear()
    this.#watchers.clear()
    this.#alarm = undefined
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

  /**
   * Calls back whenever the vcpu is woken, before events are delivered, until `isDone` says so. @returns ends that
   */
  watch(isDone: () => boolean): () => void {
    this.#watchers.add(isDone)
    return () => void this.#watchers.delete(isDone)
  }

  /** The vcpu has a timer, which a thread that sleeps in a hypercall must heed by itself. */
  setAlarm(alarm: Alarm): void {
    this.#alarm = alarm
  }

  /** Milliseconds that the thread may sleep before it must look again. */
  untilAlarm(): number {
    return this.#alarm === undefined || this.isHeld ? Number.POSITIVE_INFINITY : this.#alarm.untilDue()
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
      this.#alarm?.ring()
      for (const isDone of this.#watchers) if (isDone()) this.#watchers.delete(isDone)
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
