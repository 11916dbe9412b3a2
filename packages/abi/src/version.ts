import { text, u32, u64 } from './fields.js'
import { struct } from './layout.js'

/** In lower case, as the header spells them. @see xen/include/public/version.h XENVER_* */
export const XenVersionOp = {
  version: 0,
  extraversion: 1,
  compileInfo: 2,
  capabilities: 3,
  changeset: 4,
  platformParameters: 5,
  getFeatures: 6,
  pagesize: 7,
  guestHandle: 8,
  commandline: 9,
  buildId: 10,
} as const

/** Bytes of C strings. @see version.h xen_extraversion_t, xen_capabilities_info_t, xen_changeset_info_t, xen_commandline_t */
export const EXTRAVERSION_BYTES = 16
export const CAPABILITIES_BYTES = 1024
export const CHANGESET_BYTES = 64
export const COMMANDLINE_BYTES = 1024

/** @see xen/include/public/version.h xen_compile_info */
export const XenCompileInfo = struct('xen_compile_info', 144, {
  compiler: text(0, 64),
  compileBy: text(64, 16),
  compileDomain: text(80, 32),
  compileDate: text(112, 32),
})

/** @see xen/include/public/version.h xen_platform_parameters (64-bit) */
export const XenPlatformParameters = struct('xen_platform_parameters', 8, { virtStart: u64(0) })

/** @see xen/include/public/version.h xen_feature_info */
export const xenFeatureInfo = struct('xen_feature_info', 8, {
  /** In: which 32 of the bits. */
  submapIdx: u32(0),
  /** Out. */
  submap: u32(4),
})

/** Numbers of bits, 32 to a submap. @see xen/include/public/features.h XENFEAT_* */
export const XenFeature = {
  WritablePageTables: 0,
  WritableDescriptorTables: 1,
  AutoTranslatedPhysmap: 2,
  SupervisorModeKernel: 3,
  PaePgdirAbove4gb: 4,
  MmuPtUpdatePreserveAd: 5,
  HighmemAssist: 6,
  GnttabMapAvailBits: 7,
  HvmCallbackVector: 8,
  HvmSafePvclock: 9,
  HvmPirqs: 10,
  Dom0: 11,
  MemoryOpVnodeSupported: 13,
  ArmSmcccSupported: 14,
  LinuxRsdpUnrestricted: 15,
  NotDirectMapped: 16,
  DirectMapped: 17,
} as const

/** @see xen/include/public/features.h XENFEAT_NR_SUBMAPS */
export const XENFEAT_SUBMAPS = 1
