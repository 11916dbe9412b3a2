import type { Domid } from '@split-driver/abi'
import type { DomainTable } from '../hypervisor/domain-table.js'

/**
 * Runs a vcpu's upcalls.
 * @returns whether events are left that this turn had no time for
 */
export type Upcall = () => boolean

/** How an event reaches a domain's vcpu: what makes `inline` and `threads` differ, and nothing else does. */
export interface Wakeups {
  /** Domains run in parallel with the thread that asks. */
  readonly parallel: boolean
  /** From now on `upcall` runs whenever this vcpu is signalled; at once if it was before. @returns ends that */
  attach(domid: Domid, vcpu: number, domains: DomainTable, upcall: Upcall): () => void
  /** The vcpu has something to do. Callable from any thread, allocates nothing. */
  signal(domid: Domid, vcpu: number, domains: DomainTable): void
}
