import { type Domid, XenError } from '@split-driver/abi'
import type { DomainState, DomainStates } from '@split-driver/platform'
import type { LifecycleCalls } from './hypervisor/lifecycle-calls.js'

/** What the hypervisor tells its control domain of every other. */
export class EmulatedDomainStates implements DomainStates {
  readonly #calls: LifecycleCalls

  constructor(calls: LifecycleCalls) {
    this.#calls = calls
  }

  stateOf(domid: Domid): DomainState | undefined {
    try {
      const { dying, shutdown } = this.#calls.standing(domid)
      if (dying) return 'dying'
      return shutdown === undefined ? 'running' : 'shutdown'
    } catch (error) {
      if (XenError.is(error, 'ESRCH')) return undefined
      throw error
    }
  }
}
