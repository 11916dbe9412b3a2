import { u16, u32, u64 } from './fields.js'
import { struct } from './layout.js'

/** @see xen/include/public/sched.h SCHEDOP_* */
export const SchedOp = {
  Yield: 0,
  Block: 1,
  Shutdown: 2,
  Poll: 3,
  RemoteShutdown: 4,
  ShutdownCode: 5,
  Watchdog: 6,
  PinOverride: 7,
} as const

/** Why a domain stops; in lower case, as the toolstacks print them. @see xen/include/public/sched.h SHUTDOWN_* */
export const ShutdownReason = { poweroff: 0, reboot: 1, suspend: 2, crash: 3, watchdog: 4, softReset: 5 } as const

export type ShutdownReason = (typeof ShutdownReason)[keyof typeof ShutdownReason]

/** @see xen/include/public/sched.h sched_shutdown */
export const SchedShutdown = struct('sched_shutdown', 4, { reason: u32(0) })

/** @see xen/include/public/sched.h sched_poll (x86, 64-bit) */
export const SchedPoll = struct('sched_poll', 24, {
  /** Address of the array of ports. */
  ports: u64(0),
  nrPorts: u32(8),
  /** Absolute system time in nanoseconds; 0 waits for ever. */
  timeout: u64(16),
})

/** @see xen/include/public/sched.h sched_remote_shutdown */
export const SchedRemoteShutdown = struct('sched_remote_shutdown', 8, { domainId: u16(0), reason: u32(4) })

/** @see xen/include/public/sched.h sched_watchdog */
export const SchedWatchdog = struct('sched_watchdog', 8, {
  id: u32(0),
  /** Seconds; 0 turns the watchdog off. */
  timeout: u32(4),
})
