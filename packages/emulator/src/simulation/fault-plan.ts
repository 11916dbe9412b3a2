import type { XenErrorCode } from '@split-driver/abi'

/** Hypercalls that can be told to fail, and what their caller gets then: in each case a lack of something that real Xen lacks, too. */
export const refusals = {
  'grants.map': 'GNTST_no_space',
  'grants.copy': 'GNTST_general_error',
  'channels.allocUnbound': 'ENOSPC',
  'channels.bindInterdomain': 'ENOSPC',
} as const satisfies Readonly<Record<string, XenErrorCode>>

export type RefusableCall = keyof typeof refusals

/** Calls and transfers are counted from 1. */
interface Some {
  /** The first one that is hit. */
  readonly nth: number
  /** How many are hit in a row. */
  readonly count: number
}

/** A hypercall of one domain fails. */
export interface RefusalFault extends Some {
  readonly kind: 'refuse'
  readonly call: RefusableCall
  readonly domid: number
}

/**
 * Wake-ups that a domain sends come late, and with them what else that vcpu is sent meanwhile: it has been told already. The
 * event itself is pending at once: an upcall that was on its way finds it.
 */
export interface DelayFault {
  readonly kind: 'delay-events'
  /** Who sends. */
  readonly domid: number
  /** Of the sender; all its ports, unless given. */
  readonly port?: number
  readonly microseconds: number
}

/** From a step on, a domain does not run for some time: no event, no timer, no completed transfer reaches it. */
export interface FreezeFault {
  readonly kind: 'freeze'
  readonly domid: number
  readonly step: number
  readonly microseconds: number
}

/** Transfers of `SimulatedStore` take longer. */
export interface SlowFault extends Some {
  readonly kind: 'slow-io'
  readonly microseconds: number
}

/** Transfers of `SimulatedStore` fail. */
export interface IoErrorFault extends Some {
  readonly kind: 'fail-io'
}

/** At a step, what `Simulation.onCommand` was given for this name is called: a guest crashes, a daemon is killed. */
export interface CommandFault {
  readonly kind: 'command'
  readonly step: number
  readonly name: string
  readonly argument?: number
}

export type Fault = RefusalFault | DelayFault | FreezeFault | SlowFault | IoErrorFault | CommandFault

/** What goes wrong in a simulated machine, and when. Plain data, so that it can be written down, replayed and shrunk. */
export type FaultPlan = readonly Fault[]
