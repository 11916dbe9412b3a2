import { array, i8, nested, u8, u32, u64, words } from './fields.js'
import { struct } from './layout.js'

/** Virtual CPUs whose vcpu_info lies in the shared-info page. @see arch-x86/xen.h XEN_LEGACY_MAX_VCPUS */
export const LEGACY_MAX_VCPUS = 32

/** Ports of the two-level ABI on a 64-bit guest. @see event_channel.h EVTCHN_2L_NR_CHANNELS */
export const EVTCHN_2L_CHANNELS = 4096

/** Time of one virtual CPU; `version` is odd while the others change. @see xen/include/public/xen.h vcpu_time_info */
export const VcpuTimeInfo = struct('vcpu_time_info', 32, {
  version: u32(0),
  pad0: u32(4),
  /** TSC when the times below were taken. */
  tscTimestamp: u64(8),
  /** Nanoseconds since the machine started. */
  systemTime: u64(16),
  tscToSystemMul: u32(24),
  tscShift: i8(28),
  flags: u8(29),
})

/** @see xen/include/public/arch-x86/xen-x86_64.h arch_vcpu_info */
export const ArchVcpuInfo = struct('arch_vcpu_info', 16, {
  cr2: u64(0),
  pad: u64(8),
})

/** @see xen/include/public/xen.h vcpu_info (x86, 64-bit) */
export const VcpuInfo = struct('vcpu_info', 64, {
  evtchnUpcallPending: u8(0),
  evtchnUpcallMask: u8(1),
  /** Bit `n` stands for the 64 ports from `64 n` on. */
  evtchnPendingSel: u64(8),
  arch: nested(16, ArchVcpuInfo),
  time: nested(32, VcpuTimeInfo),
})

/** @see xen/include/public/arch-x86/xen.h arch_shared_info (64-bit) */
export const ArchSharedInfo = struct('arch_shared_info', 48, {
  maxPfn: u64(0),
  pfnToMfnFrameListList: u64(8),
  nmiReason: u64(16),
  p2mCr3: u64(24),
  p2mVaddr: u64(32),
  p2mGeneration: u64(40),
})

/** The page that a guest and the hypervisor share from the start. @see xen/include/public/xen.h shared_info (x86, 64-bit) */
export const SharedInfo = struct('shared_info', 3136, {
  vcpuInfo: array(0, LEGACY_MAX_VCPUS, VcpuInfo),
  /** 64 words of 64 bits, as their halves: port `p` is bit `p & 31` of word `p >> 5`. */
  evtchnPending: words(2048, EVTCHN_2L_CHANNELS / 32),
  evtchnMask: words(2560, EVTCHN_2L_CHANNELS / 32),
  wcVersion: u32(3072),
  /** Wall clock at the machine's start: seconds since 1970, low and (`wcSecHi`) high half. */
  wcSec: u32(3076),
  wcNsec: u32(3080),
  wcSecHi: u32(3084),
  arch: nested(3088, ArchSharedInfo),
})
