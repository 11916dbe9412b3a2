import {
  type SharedInfoLayout,
  type SharedMemory,
  type WallClock,
  writeVcpuTime,
  writeWallClock,
} from '@split-driver/abi'

export interface MachineTime {
  /** Nanoseconds since the machine started; also what its time-stamp counter counts. */
  now(): number
  /** When that was. */
  readonly began: WallClock
}

/** When every simulated machine starts, in milliseconds since 1970: nothing of the host's time may reach it. */
export const SIMULATED_START = 946_684_800_000

/** @param milliseconds since 1970, with fractions */
export const wallClockAt = (milliseconds: number): WallClock => {
  const seconds = Math.floor(milliseconds / 1000)
  return { seconds, nanoseconds: Math.floor((milliseconds - seconds * 1000) * 1e6) }
}

/**
 * Writes the time of every vcpu and the wall clock. Once is enough: the counter runs exactly as fast as system time, so what
 * is written stays right for ever.
 */
export const writeTimes = (
  sharedInfo: SharedMemory,
  layout: SharedInfoLayout,
  vcpus: number,
  time: MachineTime,
): void => {
  const now = time.now()
  // A tick is a nanosecond: 2 × ½.
  const scale = { tscToSystemMul: 0x8000_0000, tscShift: 1 }
  for (let vcpu = 0; vcpu < vcpus; vcpu++)
    writeVcpuTime(sharedInfo, vcpu, { systemTime: now, tscTimestamp: now, ...scale })
  writeWallClock(sharedInfo, time.began, layout)
}
