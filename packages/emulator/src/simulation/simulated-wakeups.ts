import type { Domid } from '@split-driver/abi'
import type { DomainTable } from '../hypervisor/domain-table.js'
import { AttachedVcpus } from '../wakeups/attached-vcpus.js'
import type { Upcall, Wakeups } from '../wakeups/wakeups.js'
import type { Scheduler } from './scheduler.js'
import type { Task } from './task-heap.js'

/** Most microseconds that an event takes to its vcpu, unless it gets there at once. */
const DELIVERY_MICROSECONDS = 100

/** Events reach a vcpu when the scheduler says so: late, in any order, several at once; never not at all. */
export class SimulatedWakeups implements Wakeups {
  readonly parallel = false
  /** Microseconds more that the event which is being sent takes. */
  delay = 0
  readonly #scheduler: Scheduler
  readonly #vcpus = new AttachedVcpus<SimulatedVcpu>()

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler
  }

  attach(domid: Domid, vcpu: number, _domains: DomainTable, upcall: Upcall): () => void {
    const attached = new SimulatedVcpu(this.#scheduler, domid, upcall)
    const detach = this.#vcpus.add(domid, vcpu, attached)
    attached.wake(0)
    return detach
  }

  signal(domid: Domid, vcpu: number): void {
    this.#vcpus.get(domid, vcpu)?.wake(this.delay)
  }
}

class SimulatedVcpu {
  readonly #scheduler: Scheduler
  readonly #domid: number
  readonly #upcall: Upcall
  #task: Task | undefined
  #stopped = false

  constructor(scheduler: Scheduler, domid: number, upcall: Upcall) {
    this.#scheduler = scheduler
    this.#domid = domid
    this.#upcall = upcall
  }

  /** An upcall that is on its way already takes this event with it, unless this one is there sooner. */
  wake(delay: number): void {
    if (this.#stopped) return
    const transit = this.#scheduler.choose(2) === 0 ? 0 : this.#scheduler.choose(DELIVERY_MICROSECONDS)
    const due = this.#scheduler.now + delay + transit
    if (this.#task !== undefined) {
      if (this.#task.due <= due) return
      this.#task.cancelled = true
    }
    this.#task = this.#scheduler.schedule(this.#domid, delay + transit, this.#run)
  }

  stop(): void {
    this.#stopped = true
    if (this.#task !== undefined) this.#task.cancelled = true
  }

  readonly #run = (): void => {
    this.#task = undefined
    if (!this.#stopped && this.#upcall()) this.wake(0)
  }
}
