import {
  EVTCHN_2L_CHANNELS,
  EVTCHN_2L_CHANNELS_32,
  type Port,
  SharedInfo,
  SharedInfo32,
  VcpuInfo,
  VcpuInfo32,
} from '@split-driver/abi'

/**
 * Where events lie in a shared-info page, in 32-bit words and (upcall flags) in bytes. It follows the width of the guest's
 * longs: as many bits in the selector, each for as many ports.
 * @see xen/include/public/xen.h shared_info, vcpu_info
 */
export interface TwoLevelWords {
  readonly portCount: number
  /** First word of evtchn_pending and of evtchn_mask; port `p` is bit `p & 31` of word `p >> 5` behind it. */
  readonly pending: number
  readonly mask: number
  /** One bit of the selector stands for `1 << groupShift` ports. */
  readonly groupShift: 5 | 6
  /** First word of a vcpu's evtchn_pending_sel. */
  sel(vcpu: number): number
  upcallPendingByte(vcpu: number): number
  upcallMaskByte(vcpu: number): number
}

/** A guest of 64 bits: 4096 ports. */
export const TWO_LEVEL_64: TwoLevelWords = {
  portCount: EVTCHN_2L_CHANNELS,
  pending: SharedInfo.at.evtchnPending.word,
  mask: SharedInfo.at.evtchnMask.word,
  groupShift: 6,
  sel: (vcpu) => SharedInfo.at.vcpuInfo.wordOf(vcpu) + VcpuInfo.at.evtchnPendingSel.word,
  upcallPendingByte: (vcpu) => SharedInfo.at.vcpuInfo.wordOf(vcpu) * 4 + VcpuInfo.at.evtchnUpcallPending.offset,
  upcallMaskByte: (vcpu) => SharedInfo.at.vcpuInfo.wordOf(vcpu) * 4 + VcpuInfo.at.evtchnUpcallMask.offset,
}

/** A guest of 32 bits: 1024 ports. */
export const TWO_LEVEL_32: TwoLevelWords = {
  portCount: EVTCHN_2L_CHANNELS_32,
  pending: SharedInfo32.at.evtchnPending.word,
  mask: SharedInfo32.at.evtchnMask.word,
  groupShift: 5,
  sel: (vcpu) => SharedInfo32.at.vcpuInfo.wordOf(vcpu) + VcpuInfo32.at.evtchnPendingSel.word,
  upcallPendingByte: (vcpu) => SharedInfo32.at.vcpuInfo.wordOf(vcpu) * 4 + VcpuInfo32.at.evtchnUpcallPending.offset,
  upcallMaskByte: (vcpu) => SharedInfo32.at.vcpuInfo.wordOf(vcpu) * 4 + VcpuInfo32.at.evtchnUpcallMask.offset,
}

/** The bit of `port` in its words of evtchn_pending and evtchn_mask, as `Int32Array` holds it. */
export const bitOf = (port: Port): number => 1 << (port & 31)

/** The word of a vcpu's selector that speaks for `port`. */
export const selWordOf = (words: TwoLevelWords, vcpu: number, port: Port): number =>
  words.sel(vcpu) + (port >> (words.groupShift + 5))

/** The bit in it. */
export const selBitOf = (words: TwoLevelWords, port: Port): number => 1 << ((port >> words.groupShift) & 31)
