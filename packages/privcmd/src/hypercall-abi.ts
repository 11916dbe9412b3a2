import { bytes, struct, u16, u32, u64, words } from '@split-driver/abi'
import { ioctlNumber } from './ioctl-number.js'

/** Hypercalls as a tool in the control domain makes them, by /dev/xen/privcmd. */

/** @see xen/sys/privcmd.h */
export const privcmdHypercall = struct('privcmd_hypercall', 48, {
  op: u64(0),
  /** Five 64-bit arguments, as their halves. */
  arg: words(8, 10),
})

export const PrivcmdRequest = { Hypercall: ioctlNumber('P', 0, privcmdHypercall.bytes) } as const

/** @see xen.h __HYPERVISOR_* */
export const Hypercall = { xenVersion: 17, eventChannelOp: 32, sysctl: 35 } as const

export { CAPABILITIES_BYTES, EXTRAVERSION_BYTES, ShutdownReason, XenVersionOp, xenFeatureInfo } from '@split-driver/abi'

/** @see event_channel.h EVTCHNOP_status */
export const EVTCHNOP_STATUS = 5

/** Its union is declared as the `interdomain` it is when `status` says so. */
export const evtchnStatus = struct('evtchn_status', 24, {
  dom: u16(0),
  port: u32(4),
  status: u32(8),
  vcpu: u32(12),
  remoteDom: u16(16),
  remotePort: u32(20),
})

/** What `evtchnStatus.status` says. @see event_channel.h EVTCHNSTAT_* */
export const EvtchnState = { closed: 0, unbound: 1, interdomain: 2, pirq: 3, virq: 4, ipi: 5 } as const

/** The union of `evtchnStatus` where `status` says `virq` or `pirq`: its number. */
export const evtchnStatusSource = u32(16)

/** @see sysctl.h XEN_SYSCTL_getdomaininfolist */
export const SYSCTL_GETDOMAININFOLIST = 6

/**
 * Versions of the sysctl interface in which the two structs below are as they are here, newest first: of Xen 4.21, of 4.17
 * to 4.20, and of 4.16.
 */
export const SYSCTL_VERSIONS = [0x16, 0x15, 0x14] as const

/** The head of xen_sysctl and its `getdomaininfolist`. */
export const sysctlGetDomainInfoList = struct('xen_sysctl', 136, {
  cmd: u32(0),
  interfaceVersion: u32(4),
  firstDomain: u16(8),
  maxDomains: u32(12),
  buffer: u64(16),
  numDomains: u32(24),
})

/** What all architectures have in common; more follows. @see domctl.h xen_domctl_getdomaininfo */
export const domainInfo = struct('xen_domctl_getdomaininfo', 96, {
  domain: u16(0),
  flags: u32(4),
  totPages: u64(8),
  maxPages: u64(16),
  outstandingPages: u64(24),
  shrPages: u64(32),
  pagedPages: u64(40),
  sharedInfoFrame: u64(48),
  cpuTime: u64(56),
  nrOnlineVcpus: u32(64),
  maxVcpuId: u32(68),
  ssidref: u32(72),
  handle: bytes(76, 16),
  cpupool: u32(92),
})

/** Bits of `domainInfo.flags`. @see domctl.h XEN_DOMINF_* */
export const DomainInfoFlag = {
  dying: 1 << 0,
  hvmGuest: 1 << 1,
  shutdown: 1 << 2,
  paused: 1 << 3,
  blocked: 1 << 4,
  running: 1 << 5,
} as const

/** Where the guest's reason for its shutdown lies in `flags`; 8 bits. @see domctl.h XEN_DOMINF_shutdownshift */
export const SHUTDOWN_SHIFT = 16
