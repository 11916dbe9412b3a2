import { XenError } from '@split-driver/abi'
import { type Fault, type FaultPlan, type RefusableCall, refusals } from './fault-plan.js'

/** What a simulated machine asks before it does something; without a plan nobody asks. */
export interface FaultInjector {
  /** Before each hypercall. @returns what its caller gets in place of the call, if it is to fail */
  refuse(call: string, caller: unknown): XenError | undefined
  /** Microseconds by which the wake-up for an event comes later. */
  delayOfEvent(sender: unknown, port: unknown): number
  /** Once a transfer. `fails`: it ends in an error, after `delay` microseconds more than usual. */
  nextTransfer(): { readonly fails: boolean; readonly delay: number }
}

type Counted = Extract<Fault, { readonly nth: number }>

/** Carries a plan out. What happens at a step (freeze, command) is the scheduler's. */
export class PlannedFaults implements FaultInjector {
  readonly #plan: FaultPlan
  readonly #calls = new Map<string, number>()
  #transfers = 0

  constructor(plan: FaultPlan) {
    this.#plan = plan
  }

  refuse(call: string, caller: unknown): XenError | undefined {
    if (!(call in refusals)) return undefined
    const key = `${call} ${caller}`
    const number = (this.#calls.get(key) ?? 0) + 1
    this.#calls.set(key, number)
    const isMeant = (fault: Fault): boolean =>
      fault.kind === 'refuse' && fault.call === call && fault.domid === caller && hits(fault, number)
    if (!this.#plan.some(isMeant)) return undefined
    const detail = { call, number, injected: true }
    return new XenError(refusals[call as RefusableCall], `${call} number ${number} of domain ${caller} was to fail`, {
      detail,
    })
  }

  delayOfEvent(sender: unknown, port: unknown): number {
    let microseconds = 0
    for (const fault of this.#plan)
      if (fault.kind === 'delay-events' && fault.domid === sender && (fault.port ?? port) === port)
        microseconds += fault.microseconds
    return microseconds
  }

  nextTransfer(): { readonly fails: boolean; readonly delay: number } {
    const number = ++this.#transfers
    let delay = 0
    for (const fault of this.#plan) if (fault.kind === 'slow-io' && hits(fault, number)) delay += fault.microseconds
    return { fails: this.#plan.some((fault) => fault.kind === 'fail-io' && hits(fault, number)), delay }
  }
}

const hits = ({ nth, count }: Counted, number: number): boolean => number >= nth && number < nth + count
