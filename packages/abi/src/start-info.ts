import { text, u32, u64 } from './fields.js'
import { struct } from './layout.js'

/** What a guest of Xen's own 64-bit PV ABI finds in `magic`. */
export const START_INFO_MAGIC = 'xen-3.0-x86_64'

/** What a guest of the 32-bit PV ABI finds there. */
export const START_INFO_MAGIC_32 = 'xen-3.0-x86_32p'

/** Bytes of `cmdLine`, its NUL among them. @see xen.h MAX_GUEST_CMDLINE */
export const MAX_GUEST_CMDLINE = 1024

/** Bits of `StartInfo.flags`. @see xen/include/public/xen.h SIF_* */
export const StartInfoFlag = {
  Privileged: 1 << 0,
  /** The initial control domain. */
  Initdomain: 1 << 1,
  MultibootMod: 1 << 2,
  /** `modStart` is a frame number in place of an address. */
  ModStartPfn: 1 << 3,
  VirtP2m4tools: 1 << 4,
  PmMask: 0xff << 8,
} as const

/**
 * The page a PV guest starts with. The console is the one of a domU: the control domain's own has other two fields in
 * its place. @see xen/include/public/xen.h start_info (x86, 64-bit)
 */
export const StartInfo = struct('start_info', 1168, {
  magic: text(0, 32),
  /** Pages allocated to this domain. */
  nrPages: u64(32),
  /** Machine address, in bytes, of the shared-info page. */
  sharedInfo: u64(40),
  flags: u32(48),
  /** Machine frame number of XenStore's ring page. */
  storeMfn: u64(56),
  storeEvtchn: u32(64),
  /** Machine frame number of the console's ring page. */
  consoleMfn: u64(72),
  consoleEvtchn: u32(80),
  ptBase: u64(88),
  nrPtFrames: u64(96),
  mfnList: u64(104),
  modStart: u64(112),
  /** Bytes. */
  modLen: u64(120),
  cmdLine: text(128, MAX_GUEST_CMDLINE),
  firstP2mPfn: u64(1152),
  nrP2mFrames: u64(1160),
})

/**
 * The same page of a 32-bit guest, for which it holds no address above 4 GiB.
 * @see xen/include/public/xen.h start_info (x86, 32-bit)
 */
export const StartInfo32 = struct('start_info_x86_32', 1112, {
  magic: text(0, 32),
  nrPages: u32(32),
  sharedInfo: u32(36),
  flags: u32(40),
  storeMfn: u32(44),
  storeEvtchn: u32(48),
  consoleMfn: u32(52),
  consoleEvtchn: u32(56),
  ptBase: u32(60),
  nrPtFrames: u32(64),
  mfnList: u32(68),
  modStart: u32(72),
  modLen: u32(76),
  cmdLine: text(80, MAX_GUEST_CMDLINE),
  firstP2mPfn: u32(1104),
  nrP2mFrames: u32(1108),
})
