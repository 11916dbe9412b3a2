import type { HvmParam, Infer, Port, SharedMemory, XenCompileInfo } from '@split-driver/abi'
import type { GrantTableOp } from '@split-driver/grant'
import type { EmulatedPlatform } from '../emulated-platform.js'
import type { ShutdownReasonName } from '../toolstack/domain-lifecycle.js'
import type { EventChannelOp } from './event-channel-op.js'

/**
 * What a guest that is being ported asks of its hypervisor beside what every Platform has: the hypercalls of its life, by the
 * names and with the answers of Xen's public headers.
 */
export interface GuestHypercalls {
  readonly sched: SchedHypercalls
  readonly consoleIo: ConsoleIoHypercalls
  readonly version: VersionHypercalls
  readonly vcpu: VcpuHypercalls
  readonly hvm: HvmHypercalls
  readonly eventChannel: EventChannelOp
  readonly grantTable: GrantTableOp
  /** The pages that the domain's builder filled. */
  readonly memory: StartOfDayMemory
}

/**
 * HYPERVISOR_sched_op. `block` and `poll` come in two forms. The promises let this thread's other work go on meanwhile, and
 * events are delivered. `blocking` really stops the thread, on a futex word, and so only a thread that runs nothing but this
 * domain can use it: nothing else of that thread runs until it returns, event handlers neither.
 * @see xen/include/public/sched.h
 */
export interface SchedHypercalls {
  /** The rest of the thread, other domains among it, has a turn. */
  yield(): Promise<void>
  /** Until an event is pending that is not masked; at once if there is one. */
  block(): Promise<void>
  /**
   * Until one of these ports is pending, masked or not; at once if one is.
   * @param deadline system time in nanoseconds; none waits for ever
   * @returns whether one is pending
   * @throws XenError EINVAL for more than 128 ports, or for one that is not open
   */
  poll(ports: readonly Port[], deadline?: number): Promise<boolean>
  /** `undefined` in a thread that runs other things, too. */
  readonly blocking: BlockingSched | undefined
  /** The domain stops. The promise is never fulfilled. */
  shutdown(reason: Exclude<ShutdownReasonName, 'suspend'>): Promise<never>
  /**
   * The domain stops, until its toolstack lets it go on: with all that it had open, or afresh, as after a restore. Then
   * `platform` is another one, and the old one, with all its ports and pages, is no more.
   */
  suspend(): Promise<Resumption>
}

export interface Resumption {
  readonly how: 'cancelled' | 'afresh'
  readonly platform: EmulatedPlatform
}

export interface BlockingSched {
  block(): void
  poll(ports: readonly Port[], deadline?: number): boolean
}

/** HYPERVISOR_console_io: the emergency console, which needs neither ring nor event channel. */
export interface ConsoleIoHypercalls {
  /** Text goes out as UTF-8. Long output pushes old output out of the machine's log. */
  write(output: string | Uint8Array): void
  /** What was typed at the machine's own console and not read yet; at most `count` bytes. The control domain's. */
  read(count: number): Uint8Array
}

/** HYPERVISOR_xen_version. @see xen/include/public/version.h */
export interface VersionHypercalls {
  /** Major in the upper 16 bits, minor in the lower. */
  version(): number
  extraversion(): string
  /** Kinds of guests, such as `xen-3.0-x86_64`, separated by blanks. */
  capabilities(): string
  compileInfo(): Infer<typeof XenCompileInfo>
  changeset(): string
  /** 32 bits of XENFEAT_*. @throws XenError EINVAL for a submap that is not there */
  features(submap?: number): number
  pageSize(): number
  /** The domain's UUID, 16 bytes; zero until the toolstack has set it. */
  guestHandle(): Uint8Array
}

/** HYPERVISOR_vcpu_op. @throws XenError ENOENT for a vcpu that the domain does not have */
export interface VcpuHypercalls {
  /** How many there are, and which one this is. */
  readonly count: number
  readonly id: number
  up(vcpu: number): void
  down(vcpu: number): void
  isUp(vcpu: number): boolean
  /**
   * VIRQ_TIMER is raised on this vcpu at `deadline`, system time in nanoseconds; at once if that has passed. One a vcpu: the
   * last call counts.
   */
  setSingleshotTimer(deadline: number): void
  stopSingleshotTimer(): void
  /** The time-stamp counter. This machine's counts nanoseconds since its start. */
  tsc(): number
  /** Nanoseconds since the machine started, as its shared-info page tells by the counter. */
  systemTime(): number
}

/** HYPERVISOR_hvm_op: the second way to what start_info says. */
export interface HvmHypercalls {
  /** @throws XenError EINVAL for a parameter that the machine does not keep */
  getParam(index: HvmParam): number
}

export interface StartOfDayMemory {
  readonly startInfo: SharedMemory
  readonly sharedInfo: SharedMemory
  readonly store: SharedMemory
  /** Absent in the control domain. */
  readonly console: SharedMemory | undefined
}
