import { array, nested, u8, u32, words } from './fields.js'
import { struct } from './layout.js'
import { LEGACY_MAX_VCPUS, VcpuTimeInfo } from './shared-info.js'

/** Ports of the two-level ABI on a 32-bit guest. @see event_channel.h EVTCHN_2L_NR_CHANNELS */
export const EVTCHN_2L_CHANNELS_32 = 1024

/** @see xen/include/public/arch-x86/xen-x86_32.h arch_vcpu_info */
export const ArchVcpuInfo32 = struct('arch_vcpu_info_x86_32', 24, {
  cr2: u32(0),
  pad: words(4, 5),
})

/** @see xen/include/public/xen.h vcpu_info (x86, 32-bit) */
export const VcpuInfo32 = struct('vcpu_info_x86_32', 64, {
  evtchnUpcallPending: u8(0),
  evtchnUpcallMask: u8(1),
  /** Bit `n` stands for the 32 ports from `32 n` on. */
  evtchnPendingSel: u32(4),
  arch: nested(8, ArchVcpuInfo32),
  time: nested(32, VcpuTimeInfo),
})

/** @see xen/include/public/arch-x86/xen.h arch_shared_info (32-bit) */
export const ArchSharedInfo32 = struct('arch_shared_info_x86_32', 28, {
  maxPfn: u32(0),
  pfnToMfnFrameListList: u32(4),
  nmiReason: u32(8),
  p2mCr3: u32(12),
  p2mVaddr: u32(16),
  p2mGeneration: u32(20),
  /** High half of the wall clock's seconds; the 64-bit page has it beside the low one. */
  wcSecHi: u32(24),
})

/** What a 32-bit guest finds in the page of `SharedInfo`. @see xen/include/public/xen.h shared_info (x86, 32-bit) */
export const SharedInfo32 = struct('shared_info_x86_32', 2344, {
  vcpuInfo: array(0, LEGACY_MAX_VCPUS, VcpuInfo32),
  /** Port `p` is bit `p & 31` of word `p >> 5`. */
  evtchnPending: words(2048, EVTCHN_2L_CHANNELS_32 / 32),
  evtchnMask: words(2176, EVTCHN_2L_CHANNELS_32 / 32),
  wcVersion: u32(2304),
  wcSec: u32(2308),
  wcNsec: u32(2312),
  arch: nested(2316, ArchSharedInfo32),
})
