import type { Port } from '@split-driver/abi'
import type { PortMasking, PortSink } from './port-masking.js'

/** Which ports a vcpu serves: all of its domain's, or those that it claims, since other vcpus serve the others. */
export type ServedPorts = 'all' | 'claimed'

/**
 * The guest's side of an event ABI for one virtual CPU: the two-level bitmaps or FIFO's queues. Every step is a sequentially
 * consistent operation, as the hypervisor works on the same words at the same time; it allocates nothing.
 */
export interface EventAbi extends PortMasking {
  /** Ports are 1 … `portCount` − 1. */
  readonly portCount: number

  /**
   * This vcpu serves `port` from now on. Where a domain has several, each leaves alone what it has not claimed: another
   * has. An ABI that was made for all ports of its domain serves them without this.
   */
  claim(port: Port): void
  /** Undoes `claim`. */
  disclaim(port: Port): void

  /** Masks every port, as a guest does first of all. Events that are pending already are kept. */
  maskAll(): void
  isMasked(port: Port): boolean

  isPending(port: Port): boolean
  /** Raises the port by hand; `unmask` of a masked port then signals it. */
  setPending(port: Port): void
  /** @returns whether it was pending */
  clearPending(port: Port): boolean

  /** No upcall does anything until `enableUpcalls`: the guest's "interrupts off". */
  disableUpcalls(): void
  /** @returns true if an upcall came meanwhile: the caller must run `upcall` now */
  enableUpcalls(): boolean

  /**
   * Delivers what is pending and not masked, masking and clearing each port first. Harmless when nothing is pending, when
   * upcalls are disabled and, from inside `deliver`, when one is running: that one will look again. If `deliver` throws, what
   * was not served is kept for the next call.
   * @param budget how many deliveries at most; what turns out to be none may count, too
   * @returns true if there may be more: the caller must call again, nobody else will
   */
  upcall(sink: PortSink, budget: number): boolean
}
