import { type Port, ShutdownReason, XenError } from '@split-driver/abi'
import type { EmulatedPlatform } from '../emulated-platform.js'
import { nextTurn } from '../host-clock.js'
import type { Machine } from '../machine.js'
import type { ShutdownReasonName } from '../toolstack/domain-lifecycle.js'
import { atDeadline, untilDeadline } from '../wakeups/deadline.js'
import type { BlockingSched, Resumption, SchedHypercalls } from './guest-hypercalls.js'
import type { GuestVcpu } from './guest-vcpu.js'

/** @see xen/common/sched/core.c do_poll */
const POLL_PORTS_MAX = 128

export interface GuestSchedParts {
  readonly machine: Machine
  readonly platform: EmulatedPlatform
  readonly vcpu: GuestVcpu
}

/** HYPERVISOR_sched_op of a domain's first vcpu, in the thread that runs it. */
export class GuestSched implements SchedHypercalls {
  /** Fulfilled when the domain has stopped by its own call. */
  readonly stopped: Promise<void>
  readonly blocking: BlockingSched | undefined
  readonly #parts: GuestSchedParts
  readonly #wakeWord: number
  readonly #upcallPendingByte: number
  #polls = 0
  #onStopped: () => void = () => {}

  constructor(parts: GuestSchedParts) {
    const { xen } = parts.machine
    this.#parts = parts
    const { domid } = parts.platform
    this.#wakeWord = xen.domains.wakeWord(domid, 0)
    this.#upcallPendingByte = xen.domains.twoLevelWords(xen.domains.record(domid)).upcallPendingByte(0)
    this.stopped = new Promise((resolve) => {
      this.#onStopped = resolve
    })
    if (xen.waitsWhileHeld)
      this.blocking = {
        block: () => void this.#sleep(() => this.#isEventPending(), Number.POSITIVE_INFINITY),
        poll: (ports, deadline = Number.POSITIVE_INFINITY) =>
          this.#polling(ports, () => this.#sleep(() => this.#isAnyPending(ports), deadline)),
      }
  }

  yield(): Promise<void> {
    return new Promise(nextTurn)
  }

  async block(): Promise<void> {
    if (!this.#isEventPending()) await this.#until(() => this.#isEventPending(), Number.POSITIVE_INFINITY)
  }

  async poll(ports: readonly Port[], deadline = Number.POSITIVE_INFINITY): Promise<boolean> {
    return this.#polling(ports, async () => {
      if (this.#isAnyPending(ports)) return true
      return this.#until(() => this.#isAnyPending(ports), deadline)
    })
  }

  async shutdown(reason: Exclude<ShutdownReasonName, 'suspend'>): Promise<never> {
    this.#stop(reason)
    this.#onStopped()
    return new Promise<never>(() => {})
  }

  async suspend(): Promise<Resumption> {
    this.#stop('suspend')
    // At once when it goes on, before any event: those that come after a renewal are the new platform's.
    return new Promise((resolve, reject) => {
      this.#parts.platform.gate.pass(() => {
        try {
          resolve(this.#resumption())
        } catch (error) {
          reject(error)
        }
      })
    })
  }

  #resumption(): Resumption {
    const { machine, platform } = this.#parts
    if (!machine.calls.lifecycle.wasRenewed(platform.domid)) return { how: 'cancelled', platform }
    return { how: 'afresh', platform: platform.renew() }
  }

  #stop(reason: ShutdownReasonName): void {
    const { machine, platform } = this.#parts
    machine.calls.lifecycle.shutdown(platform.domid, platform.domid, ShutdownReason[reason])
  }

  /** What a delivery would find: set by whoever raises an event that is not masked. */
  #isEventPending(): boolean {
    const { machine, platform } = this.#parts
    return machine.memory.frame(platform.start.sharedInfo).load8(this.#upcallPendingByte) !== 0
  }

  #isAnyPending(ports: readonly Port[]): boolean {
    const { machine, platform } = this.#parts
    return ports.some((port) => machine.calls.channels.isPending(platform.domid, port))
  }

  /** While somebody polls, events wake this vcpu though they are masked. */
  #polling<Result>(ports: readonly Port[], wait: () => Result): Result {
    if (ports.length > POLL_PORTS_MAX)
      throw new XenError('EINVAL', `${ports.length} ports are more than the ${POLL_PORTS_MAX} that can be polled`)
    const { machine, platform } = this.#parts
    const set = (on: boolean) => machine.calls.channels.setPolling(platform.domid, 0, on)
    if (this.#polls++ === 0) set(true)
    const done = () => {
      if (--this.#polls === 0 && !platform.gate.isClosed) set(false)
    }
    try {
      const result = wait()
      if (!(result instanceof Promise)) done()
      return result instanceof Promise ? (result.finally(done) as Result) : result
    } catch (error) {
      done()
      throw error
    }
  }

  /** @returns whether `holds` did, before the deadline, in nanoseconds of system time */
  #until(holds: () => boolean, deadline: number): Promise<boolean> {
    const { gate, clock } = this.#parts.platform
    return new Promise((resolve, reject) => {
      const give = (value: boolean): true => {
        timer?.cancel()
        forget()
        resolve(value)
        return true
      }
      const forget = gate.watch(() => {
        try {
          return holds() && give(true)
        } catch (error) {
          timer?.cancel()
          reject(error)
          return true
        }
      })
      const timer = Number.isFinite(deadline) ? atDeadline(clock, deadline, () => give(holds())) : undefined
    })
  }

  /** Stops this thread. */
  #sleep(holds: () => boolean, deadline: number): boolean {
    const { machine, platform, vcpu } = this.#parts
    const { words } = machine.memory
    for (;;) {
      const seen = Atomics.load(words, this.#wakeWord)
      vcpu.ring()
      if (!platform.gate.isHeld) {
        if (holds()) return true
        if (untilDeadline(platform.clock, deadline) <= 0) return false
      }
      const limit = platform.gate.isHeld
        ? Number.POSITIVE_INFINITY
        : Math.min(untilDeadline(platform.clock, deadline), vcpu.untilDue())
      Atomics.wait(words, this.#wakeWord, seen, Math.max(0, limit))
    }
  }
}
