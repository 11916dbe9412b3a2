import { DOMID_SELF, type Domid } from '@split-driver/abi'
import { GrantStatus } from '@split-driver/grant'
import type { Hypervisor } from './hypervisor.js'
import { DomainState, domainRecord } from './machine-layout.js'

/** Entries of a list that are done in one hold of the lock. */
export const OPS_A_TURN = 64

/** How a hypercall of the grant table's takes the lock: once, or for a list again and again. */
export class HypercallTurns {
  readonly #xen: Hypervisor

  constructor(xen: Hypervisor) {
    this.#xen = xen
  }

  /** Begins a hypercall; `leave` of the hypervisor ends it. @returns the caller's record. @throws XenError ESRCH */
  enter(caller: Domid): number {
    this.#xen.enter(caller)
    return this.#xen.domains.record(caller)
  }

  alone<Result>(caller: Domid, call: (record: number) => Result): Result {
    const record = this.enter(caller)
    try {
      return call(record)
    } finally {
      this.#xen.leave()
    }
  }

  /** Does a list, some of it at a time. */
  each<Op, Result>(caller: Domid, ops: readonly Op[], one: (record: number, op: Op) => Result): Result[] {
    const results: Result[] = []
    for (let from = 0; from < ops.length; from += OPS_A_TURN) {
      const turn = ops.slice(from, from + OPS_A_TURN)
      this.alone(caller, (record) => {
        for (const op of turn) results.push(one(record, op))
      })
    }
    return results
  }

  /** For what only the domain itself and a privileged one may do. */
  ofTable<Answer>(
    caller: Domid,
    dom: Domid,
    answer: (record: number) => Answer,
    refused: (status: GrantStatus) => Answer,
  ): Answer {
    return this.alone(caller, (own) => {
      const { domains } = this.#xen
      const record = dom === DOMID_SELF ? own : domains.find(dom)
      if (record < 0 || domains.get(record, domainRecord.state) >= DomainState.Dying)
        return refused(GrantStatus.GNTST_bad_domain)
      if (record !== own && !this.#xen.isPrivileged(caller)) return refused(GrantStatus.GNTST_permission_denied)
      return answer(record)
    })
  }
}
