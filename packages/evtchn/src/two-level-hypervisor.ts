import type { Port, SharedMemory } from '@split-driver/abi'
import {
  bitOf,
  maskWordOf,
  pendingWordOf,
  selBitOf,
  selWordOf,
  upcallMaskByte,
  upcallPendingByte,
} from './two-level-words.js'

/**
 * The hypervisor's half of the two-level ABI: what it does to a guest's shared-info page. `port` has been judged before:
 * 1 … 4095, and bound to `vcpu`.
 */

/**
 * Raises `port`. Only the change from not pending to pending signals; an edge while the port is masked reaches nobody
 * until the guest unmasks it and looks again (rule 63).
 * @returns whether the vcpu must be woken: its upcall_pending was clear until now
 * @see xen/include/public/xen.h shared_info.evtchn_pending
 */
export const setPending = (sharedInfo: SharedMemory, vcpu: number, port: Port): boolean => {
  const bit = bitOf(port)
  if (sharedInfo.or(pendingWordOf(port), bit) & bit) return false
  if (sharedInfo.loadOrdered(maskWordOf(port)) & bit) return false
  return raiseUpcall(sharedInfo, vcpu, port)
}

/**
 * The second half of signalling: the selector's bit, then upcall_pending. Who finds the selector's bit set leaves the
 * rest to whoever set it. The guest does just this, too, when it unmasks a port that is pending.
 * @returns whether upcall_pending was clear until now
 */
export const raiseUpcall = (sharedInfo: SharedMemory, vcpu: number, port: Port): boolean => {
  const selBit = selBitOf(port)
  if (sharedInfo.or(selWordOf(vcpu, port), selBit) & selBit) return false
  return sharedInfo.exchange8(upcallPendingByte(vcpu), 1) === 0
}

/** Forgets an event of a port that was closed: its next owner must not see it (hostile row E2). */
export const clearPending = (sharedInfo: SharedMemory, port: Port): void => {
  sharedInfo.and(pendingWordOf(port), ~bitOf(port))
}

/** Would this vcpu get an upcall now? An upcall is pending and the guest lets it through. */
export const upcallDue = (sharedInfo: SharedMemory, vcpu: number): boolean =>
  sharedInfo.load8(upcallPendingByte(vcpu)) !== 0 && sharedInfo.load8(upcallMaskByte(vcpu)) === 0
