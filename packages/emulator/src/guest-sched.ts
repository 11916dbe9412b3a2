import { ShutdownReason } from '@split-driver/abi'
import type { ShutdownReasonName } from './domain-lifecycle.js'
import type { EmulatedPlatform } from './emulated-platform.js'
import type { Resumption } from './guest-hypercalls.js'
import { nextTurn } from './host-clock.js'
import type { Machine } from './machine.js'

/** HYPERVISOR_sched_op of one domain, in the thread that runs it. */
export class GuestSched {
  /** Fulfilled when the domain has stopped by its own call. */
  readonly stopped: Promise<void>
  readonly #machine: Machine
  readonly #platform: EmulatedPlatform
  #onStopped: () => void = () => {}

  constructor(machine: Machine, platform: EmulatedPlatform) {
    this.#machine = machine
    this.#platform = platform
    this.stopped = new Promise((resolve) => {
      this.#onStopped = resolve
    })
  }

  yield(): Promise<void> {
    return new Promise(nextTurn)
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
      this.#platform.gate.pass(() => {
        try {
          resolve(this.#resumption())
        } catch (error) {
          reject(error)
        }
      })
    })
  }

  #resumption(): Resumption {
    const platform = this.#platform
    if (!this.#machine.calls.lifecycle.wasRenewed(platform.domid)) return { how: 'cancelled', platform }
    return { how: 'afresh', platform: platform.renew() }
  }

  #stop(reason: ShutdownReasonName): void {
    const { domid } = this.#platform
    this.#machine.calls.lifecycle.shutdown(domid, domid, ShutdownReason[reason])
  }
}
