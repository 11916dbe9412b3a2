import type { Domid, ShutdownReason } from '@split-driver/abi'
import type TypedEmitter from 'typed-emitter'

/** Why a domain stopped by itself. @see xen/include/public/sched.h SHUTDOWN_* */
export type ShutdownReasonName = keyof typeof ShutdownReason

/** What a toolstack may ask of a guest through its key `control/shutdown`. @see docs/misc/xenstore-paths.pandoc */
export type ShutdownRequest = 'poweroff' | 'halt' | 'reboot' | 'suspend'

/** What becomes of a domain that stopped by itself. @see xl.cfg(5) on_poweroff */
export type ShutdownAction =
  | 'destroy'
  | 'restart'
  | 'rename-restart'
  | 'preserve'
  | 'coredump-destroy'
  | 'coredump-restart'

/** Defaults as xl's: a reboot restarts, everything else destroys. */
export interface ShutdownPolicies {
  readonly onPoweroff?: ShutdownAction
  readonly onReboot?: ShutdownAction
  readonly onCrash?: ShutdownAction
  readonly onWatchdog?: ShutdownAction
}

/** A line of `xl list`. */
export interface DomainInfo {
  readonly domid: Domid
  readonly name: string
  readonly uuid: string
  /** MiB of the domain's own memory, with fractions. */
  readonly memoryMiB: number
  readonly vcpus: number
  /**
   * Six letters as xl prints them, `-` where one does not apply: r running, b blocked, p paused, s shut down, c crashed,
   * d dying. A domain that has not been started yet, or not been unpaused, is paused.
   */
  readonly state: string
  /** Present once it stopped by itself. */
  readonly shutdownReason?: ShutdownReasonName
  /** Seconds that its code has run. 0 where that cannot be known: for domains whose thread is not their own. */
  readonly cpuSeconds: number
}

/** A line of `xl vcpu-list`. */
export interface VcpuInfo {
  readonly domid: Domid
  readonly name: string
  readonly vcpu: number
  /** Three letters: r running, b blocked, p paused; `---` for one that is down. */
  readonly state: string
  readonly cpuSeconds: number
}

export interface ShutdownOptions {
  /** Default `poweroff`. */
  readonly request?: ShutdownRequest
  /** How long the guest has to acknowledge. Default 60,000 ms, as libxl's for a suspension. */
  readonly acknowledgeMilliseconds?: number
}

/** How a domain came to its end, as far as the domain itself goes. */
export interface DomainEnd {
  readonly domid: Domid
  readonly name: string
  /** `destroyed` if it did not stop by itself. */
  readonly reason: ShutdownReasonName | 'destroyed'
  /** Of the program, where one crashed in this toolstack's keeping. */
  readonly error?: Error
}

/** What a crashed domain leaves behind under the policies `coredump-…`. */
export interface CoreDump {
  readonly domid: Domid
  readonly name: string
  readonly reason: ShutdownReasonName
  /** A copy of the domain's own memory, page after page. */
  readonly memory: Uint8Array
}

export type ToolstackEvents = {
  created: (domain: { readonly domid: Domid; readonly name: string }) => void
  /** Its code runs from now on. */
  started: (domain: { readonly domid: Domid; readonly name: string }) => void
  /** It stopped by itself; the policy is carried out next. */
  shutdown: (end: DomainEnd) => void
  /** A domain of the same configuration runs in its place. */
  restarted: (domain: { readonly domid: Domid; readonly name: string; readonly previous: Domid }) => void
  coredump: (dump: CoreDump) => void
  destroyed: (domain: { readonly domid: Domid; readonly name: string }) => void
  /** A policy could not be carried out, for want of memory say. The domain stays as it is. */
  policyFailed: (domain: { readonly domid: Domid; readonly name: string; readonly error: Error }) => void
}

/**
 * What befalls a domain between its start and its end, and what a person may do about it: `xl pause`, `unpause`, `shutdown`,
 * `reboot`, `rename`, `list`, `vcpu-list`. `Toolstack` is one. Every method throws a TypeError for a domain that is none of
 * the toolstack's.
 */
export interface DomainLifecycle {
  readonly events: TypedEmitter<ToolstackEvents>

  /** Stops the domain where it is. Nests: as many calls of `unpause` make it run again. */
  pause(domid: Domid): void
  /** @throws XenError EINVAL if it is not paused */
  unpause(domid: Domid): void

  /**
   * Asks the guest to stop, by `control/shutdown`; fulfilled when it has acknowledged that. What happens after is the
   * guest's to do; `ended` tells when.
   * @throws XenError ABORTED if it did not acknowledge in time: the request is taken back then; EBUSY if another is under way
   */
  shutdown(domid: Domid, options?: ShutdownOptions): Promise<void>
  /** `shutdown` with the request `reboot`. */
  reboot(domid: Domid, options?: Omit<ShutdownOptions, 'request'>): Promise<void>

  /**
   * Asks the guest to suspend and waits until it has; the domain stays, and nothing of it runs, until `resume`.
   * @throws XenError ABORTED if it did not in time; EINVAL if it stopped for another reason
   */
  suspend(domid: Domid, options?: Omit<ShutdownOptions, 'request'>): Promise<void>
  /**
   * Lets a suspended domain go on. `cancelled`: as if it had never been, with all that it had open. `afresh`: as after a
   * restore: event channels, grants and devices are gone, XenStore and console have new ports, start_info is rewritten.
   * @throws XenError EINVAL if it is not suspended
   */
  resume(domid: Domid, how: 'cancelled' | 'afresh'): Promise<void>

  /** @throws XenError EEXIST if another live domain has that name; EINVAL for an empty one */
  rename(domid: Domid, name: string): Promise<void>

  /** Fulfilled when the domain has stopped by itself or was destroyed, and its policy was carried out. */
  ended(domid: Domid): Promise<DomainEnd>

  /** All domains, the control domain first. */
  list(): readonly DomainInfo[]
  vcpuList(): readonly VcpuInfo[]
  /** The domain that bears the name, or else has the number. `undefined` where there is none. */
  find(nameOrDomid: string): Domid | undefined
}
