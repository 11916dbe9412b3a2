import { type Port, SharedInfo, VcpuInfo } from '@split-driver/abi'

/** Where the two-level ABI's bits lie in the shared-info page, in 32-bit words and (upcall flags) in bytes. */

const PENDING = SharedInfo.at.evtchnPending.word
const MASK = SharedInfo.at.evtchnMask.word

/** The bit of `port` inside the words below, as `Int32Array` holds it. */
export const bitOf = (port: Port): number => 1 << (port & 31)

export const pendingWordOf = (port: Port): number => PENDING + (port >> 5)

export const maskWordOf = (port: Port): number => MASK + (port >> 5)

/** The half of a vcpu's evtchn_pending_sel that speaks for `port`. */
export const selWordOf = (vcpu: number, port: Port): number => selWord(vcpu) + (port >> 11)

/** The bit in it: one for 64 ports. */
export const selBitOf = (port: Port): number => 1 << ((port >> 6) & 31)

/** First word of a vcpu's evtchn_pending_sel. */
export const selWord = (vcpu: number): number => SharedInfo.at.vcpuInfo.wordOf(vcpu) + VcpuInfo.at.evtchnPendingSel.word

export const upcallPendingByte = (vcpu: number): number =>
  SharedInfo.at.vcpuInfo.wordOf(vcpu) * 4 + VcpuInfo.at.evtchnUpcallPending.offset

export const upcallMaskByte = (vcpu: number): number =>
  SharedInfo.at.vcpuInfo.wordOf(vcpu) * 4 + VcpuInfo.at.evtchnUpcallMask.offset
