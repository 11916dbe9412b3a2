import { type Domid, readVcpuTime, type SharedMemory, systemTimeAt, VIRQ } from '@split-driver/abi'
import type { Clock, Timer } from '@split-driver/platform'
import { DOMID_XEN } from '../hypervisor/hypervisor.js'
import type { Machine } from '../machine.js'
import { atDeadline, systemTimeOf, untilDeadline } from '../wakeups/deadline.js'
import type { VcpuHypercalls } from './guest-hypercalls.js'

export interface GuestVcpuParts {
  readonly machine: Machine
  readonly domid: Domid
  readonly vcpu: number
  readonly count: number
  readonly sharedInfo: SharedMemory
  /** The domain's own: its timers wait while it is paused. */
  readonly clock: Clock
}

/** HYPERVISOR_vcpu_op and the time of one vcpu, in the thread that runs it. */
export class GuestVcpu implements VcpuHypercalls {
  readonly id: number
  readonly count: number
  readonly #parts: GuestVcpuParts
  #timer: Timer | undefined
  /** Nanoseconds of system time. */
  #deadline = Number.POSITIVE_INFINITY

  constructor(parts: GuestVcpuParts) {
    this.#parts = parts
    this.id = parts.vcpu
    this.count = parts.count
  }

  up(vcpu: number): void {
    this.#lifecycle.setVcpuUp(this.#parts.domid, vcpu, true)
  }

  down(vcpu: number): void {
    this.#lifecycle.setVcpuUp(this.#parts.domid, vcpu, false)
  }

  isUp(vcpu: number): boolean {
    return this.#lifecycle.isVcpuUp(this.#parts.domid, vcpu)
  }

  tsc(): number {
    return systemTimeOf(this.#parts.clock)
  }

  systemTime(): number {
    return systemTimeAt(readVcpuTime(this.#parts.sharedInfo, this.id), this.tsc())
  }

  setSingleshotTimer(deadline: number): void {
    this.stopSingleshotTimer()
    this.#deadline = deadline
    this.#timer = atDeadline(this.#parts.clock, deadline, () => this.ring())
  }

  stopSingleshotTimer(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#deadline = Number.POSITIVE_INFINITY
  }

  /** Milliseconds until the timer is due; a thread that sleeps runs no timer of the host's. */
  untilDue(): number {
    return untilDeadline(this.#parts.clock, this.#deadline)
  }

  /** Raises VIRQ_TIMER if it is due. */
  ring(): void {
    if (this.untilDue() > 0) return
    this.stopSingleshotTimer()
    this.#parts.machine.calls.channels.raiseVirq(DOMID_XEN, this.#parts.domid, VIRQ.Timer, this.id)
  }

  get #lifecycle() {
    return this.#parts.machine.calls.lifecycle
  }
}
