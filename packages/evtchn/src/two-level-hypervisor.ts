import type { Port, SharedMemory } from '@split-driver/abi'
import { bitOf, selBitOf, selWordOf, TWO_LEVEL_64, type TwoLevelWords } from './two-level-words.js'

/**
 * The hypervisor's half of the two-level ABI: what it does to a guest's shared-info page. `port` has been judged before: from
 * 1 on and below the ABI's number of ports, and bound to `vcpu`.
 */

/**
 * Raises `port`. Only the change from not pending to pending signals; an edge while the port is masked reaches nobody
 * until the guest unmasks it and looks again (rule 63).
 * @returns whether the vcpu must be woken: its upcall_pending was clear until now
 * @see xen/include/public/xen.h shared_info.evtchn_pending
 */
export const setPending = (
  sharedInfo: SharedMemory,
  vcpu: number,
  port: Port,
  words: TwoLevelWords = TWO_LEVEL_64,
): boolean => {
  const bit = bitOf(port)
  if (sharedInfo.or(words.pending + (port >> 5), bit) & bit) return false
  if (sharedInfo.loadOrdered(words.mask + (port >> 5)) & bit) return false
  return raiseUpcall(sharedInfo, vcpu, port, words)
}

/**
 * The second half of signalling: the selector's bit, then upcall_pending. Who finds the selector's bit set leaves the
 * rest to whoever set it. The guest does just this, too, when it unmasks a port that is pending.
 * @returns whether upcall_pending was clear until now
 */
export const raiseUpcall = (
  sharedInfo: SharedMemory,
  vcpu: number,
  port: Port,
  words: TwoLevelWords = TWO_LEVEL_64,
): boolean => {
  const selBit = selBitOf(words, port)
  if (sharedInfo.or(selWordOf(words, vcpu, port), selBit) & selBit) return false
  return sharedInfo.exchange8(words.upcallPendingByte(vcpu), 1) === 0
}

/** Forgets an event of a port that was closed: its next owner must not see it (hostile row E2). */
export const clearPending = (sharedInfo: SharedMemory, port: Port, words: TwoLevelWords = TWO_LEVEL_64): void => {
  sharedInfo.and(words.pending + (port >> 5), ~bitOf(port))
}

/**
 * EVTCHNOP_unmask: clears the mask for the guest and signals what came meanwhile.
 * @returns whether the vcpu must be woken
 */
export const unmaskPort = (
  sharedInfo: SharedMemory,
  vcpu: number,
  port: Port,
  words: TwoLevelWords = TWO_LEVEL_64,
): boolean => {
  const bit = bitOf(port)
  if ((sharedInfo.and(words.mask + (port >> 5), ~bit) & bit) === 0) return false
  if ((sharedInfo.loadOrdered(words.pending + (port >> 5)) & bit) === 0) return false
  return raiseUpcall(sharedInfo, vcpu, port, words)
}

/** Would this vcpu get an upcall now? An upcall is pending and the guest lets it through. */
export const upcallDue = (sharedInfo: SharedMemory, vcpu: number, words: TwoLevelWords = TWO_LEVEL_64): boolean =>
  sharedInfo.load8(words.upcallPendingByte(vcpu)) !== 0 && sharedInfo.load8(words.upcallMaskByte(vcpu)) === 0
