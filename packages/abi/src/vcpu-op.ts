import { i32, u32, u64, words } from './fields.js'
import { struct } from './layout.js'

/** @see xen/include/public/vcpu.h VCPUOP_* */
export const VcpuOp = {
  Initialise: 0,
  Up: 1,
  Down: 2,
  IsUp: 3,
  GetRunstateInfo: 4,
  RegisterRunstateMemoryArea: 5,
  SetPeriodicTimer: 6,
  StopPeriodicTimer: 7,
  SetSingleshotTimer: 8,
  StopSingleshotTimer: 9,
  RegisterVcpuInfo: 10,
  SendNmi: 11,
  GetPhysid: 12,
  RegisterVcpuTimeMemoryArea: 13,
} as const

/** @see xen/include/public/vcpu.h VCPU_SSHOTTMR_future: a timeout that has passed already is an error, ETIME */
export const VCPU_SSHOTTMR_FUTURE = 1

/** @see xen/include/public/vcpu.h vcpu_set_singleshot_timer */
export const VcpuSetSingleshotTimer = struct('vcpu_set_singleshot_timer', 16, {
  /** Absolute system time in nanoseconds. */
  timeoutAbsNs: u64(0),
  flags: u32(8),
})

/** @see xen/include/public/vcpu.h RUNSTATE_* */
export const Runstate = { Running: 0, Runnable: 1, Blocked: 2, Offline: 3 } as const

/** @see xen/include/public/vcpu.h vcpu_runstate_info (x86, 64-bit) */
export const VcpuRunstateInfo = struct('vcpu_runstate_info', 48, {
  state: i32(0),
  /** System time in nanoseconds at which it began. */
  stateEntryTime: u64(8),
  /** Nanoseconds spent in each state, by its number: four 64-bit words as their halves. */
  time: words(16, 8),
})
