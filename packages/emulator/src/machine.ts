import type { Domid } from '@split-driver/abi'
import { GRANT_RESERVED_ENTRIES } from '@split-driver/grant'
import type { Capabilities, Clock } from '@split-driver/platform'
import type { AttachOptions } from './attach-options.js'
import { type BuiltDomain, DomainBuilder, type DomainPlan } from './building/domain-builder.js'
import type { StartOfDay } from './building/start-of-day.js'
import { type MachineTime, SIMULATED_START, wallClockAt } from './building/time-pages.js'
import { EmulatedPlatform } from './emulated-platform.js'
import { EmergencyConsole } from './guest/emergency-console.js'
import { EmulatedVcpu } from './guest/emulated-vcpu.js'
import { HostClock, hostRandom, hostTime } from './host-clock.js'
import { ConsoleIoCalls } from './hypervisor/console-io-calls.js'
import { DomainCalls } from './hypervisor/domain-calls.js'
import { EventChannelCalls } from './hypervisor/event-channel-calls.js'
import { EventControlCalls } from './hypervisor/event-control-calls.js'
import { GrantCalls } from './hypervisor/grant-calls.js'
import { HvmCalls } from './hypervisor/hvm-calls.js'
import { DOMID_XEN, Hypervisor } from './hypervisor/hypervisor.js'
import { LifecycleCalls } from './hypervisor/lifecycle-calls.js'
import { VersionCalls } from './hypervisor/version-calls.js'
import { Ledger, type LedgerEntry } from './ledger.js'
import { MachineMemory, type MachineSize } from './memory/machine-memory.js'
import { interceptedCalls } from './simulation/intercepted-calls.js'
import { Simulation, type SimulationOptions } from './simulation/simulation.js'
import { DomainExceptions } from './toolstack/domain-exceptions.js'
import { systemTimeOf } from './wakeups/deadline.js'
import { FutexWakeups } from './wakeups/futex-wakeups.js'
import { InlineWakeups } from './wakeups/inline-wakeups.js'

/**
 * `threads`: domains in threads of their own, woken by futex. `inline`: all in this thread, woken in microtasks. `simulated`:
 * all in this thread, on virtual time, in an order that a seed decides.
 */
export type MachineMode = 'threads' | 'inline' | 'simulated'

/** @property seed and faults are for `simulated` alone */
export interface MachineOptions extends MachineSize, SimulationOptions {
  /** How domains are attached unless `attach` says otherwise. */
  readonly attaching?: AttachOptions
  /** Default `inline`. */
  readonly mode?: MachineMode
}

/** What another thread needs to join the same machine; can be posted to it. */
export interface MachineHandle {
  readonly mode: MachineMode
  readonly memory: SharedArrayBuffer
  /** When the machine was created, in the host's time. */
  readonly began: number
  readonly attaching: AttachOptions
}

/** The hypercalls, in groups. */
export interface Hypercalls {
  readonly channels: EventChannelCalls
  readonly eventControl: EventControlCalls
  readonly grants: GrantCalls
  readonly domains: DomainCalls
  readonly lifecycle: LifecycleCalls
  readonly consoleIo: ConsoleIoCalls
  readonly version: VersionCalls
  readonly hvm: HvmCalls
}

/** An emulated machine as one thread sees it: its memory, its hypervisor, and the domains that this thread runs. */
export class Machine {
  readonly handle: MachineHandle
  readonly memory: MachineMemory
  readonly xen: Hypervisor
  readonly calls: Hypercalls
  /** What guests say before they have a console of their own. */
  readonly emergencyConsole: EmergencyConsole
  /** Tells when a domain has shut down. */
  readonly exceptions: DomainExceptions
  readonly clock: Clock
  /** From 0 to below 1; in a simulated machine it follows from the seed. */
  readonly random: () => number
  readonly supports: Capabilities
  /** What decides about time, order and faults, in the mode `simulated`. */
  readonly simulation: Simulation | undefined
  readonly #builder: DomainBuilder
  readonly #ledger: Ledger

  private constructor(handle: Omit<MachineHandle, 'memory'>, memory: MachineMemory, simulation?: Simulation) {
    const { mode, began } = handle
    this.handle = { ...handle, memory: memory.buffer }
    this.memory = memory
    this.simulation = simulation
    this.clock = simulation?.clock ?? new HostClock(began)
    this.random = simulation ? () => simulation.choose(2 ** 32) / 2 ** 32 : hostRandom
    const wakeups = simulation?.wakeups ?? (mode === 'inline' ? new InlineWakeups() : new FutexWakeups(memory.words))
    this.xen = new Hypervisor(memory, wakeups)
    const channels = new EventChannelCalls(this.xen)
    const grants = new GrantCalls(this.xen)
    this.exceptions = new DomainExceptions(memory.words, wakeups.parallel)
    const calls = {
      channels,
      eventControl: new EventControlCalls(this.xen),
      grants,
      domains: new DomainCalls(this.xen, channels, grants),
      lifecycle: new LifecycleCalls(this.xen, channels, this.exceptions),
      consoleIo: new ConsoleIoCalls(this.xen, channels),
      version: new VersionCalls(this.xen),
      hvm: new HvmCalls(this.xen),
    }
    this.calls = simulation ? interceptedCalls(calls, simulation) : calls
    this.emergencyConsole = new EmergencyConsole(this.calls.consoleIo)
    this.supports = {
      grantCopy: true,
      checkedMemory: true,
      heldPageCount: true,
      separateDomains: true,
      parallel: wakeups.parallel,
      virq: true,
      ipi: true,
      unmapNotify: true,
      virtualTime: simulation !== undefined,
      faults: simulation !== undefined,
    }
    this.#builder = new DomainBuilder(this.xen, channels, this.calls.domains, this.#time(began))
    this.#ledger = new Ledger(this.xen, channels, grants)
  }

  /** A machine without any domain yet. @throws RangeError for sizes that cannot be */
  static create(options: MachineOptions = {}): Machine {
    const mode = options.mode ?? 'inline'
    const simulation = mode === 'simulated' ? new Simulation(options) : undefined
    const handle = { mode, began: hostTime(), attaching: options.attaching ?? {} }
    return new Machine(handle, MachineMemory.create(options), simulation)
  }

  /** Joins a machine that another thread created. @throws TypeError if this is no machine, or all of it is one thread's */
  static join(handle: MachineHandle): Machine {
    if (handle.mode === 'simulated') throw new TypeError('a simulated machine is one thread’s')
    return new Machine(handle, MachineMemory.open(handle.memory))
  }

  /** Builds the control domain, domain 0 if it is the first one. */
  buildControlDomain(plan: DomainPlan = {}): BuiltDomain {
    return this.#builder.build(plan, 'control')
  }

  /** Builds a domain that XenStore does not know yet; `Toolstack.create` does the whole. */
  buildGuest(plan: DomainPlan = {}): BuiltDomain {
    return this.#builder.build(plan, 'guest')
  }

  /** Sets a suspended guest up as after a restore; `Toolstack.resume` does the whole. @throws XenError EBUSY ENOSPC */
  renewGuest(domid: Domid): StartOfDay {
    return this.#builder.renew(domid)
  }

  /** Has somebody pages of this domain mapped, beside its store and console rings? */
  isShared(domid: Domid): boolean {
    const { xen, calls } = this
    xen.enter(DOMID_XEN)
    try {
      const isOwn = ({ granter, ref }: { granter: Domid; ref: number }) =>
        granter === domid && ref >= GRANT_RESERVED_ENTRIES
      return xen.domains.list().some((holder) => calls.grants.listHeld(holder).some(isOwn))
    } finally {
      xen.leave()
    }
  }

  #time(began: number): MachineTime {
    return {
      now: () => systemTimeOf(this.clock),
      began: wallClockAt(this.simulation ? SIMULATED_START : began),
    }
  }

  /** Time and timers as a domain sees them. */
  clockOf(domid: Domid): Clock {
    return this.simulation?.clockOf(domid) ?? this.clock
  }

  /**
   * From now on this thread runs the domain's code; one thread a domain.
   * @throws XenError ESRCH; EBUSY if its grants are in use in another form
   */
  attach(domid: Domid, options: AttachOptions = {}): EmulatedPlatform {
    return new EmulatedPlatform(this, domid, { ...this.handle.attaching, ...options })
  }

  /**
   * From now on this thread runs a further vcpu of a domain whose first one is attached already: event channels of its own,
   * all else is the first one's. One thread a vcpu.
   * @throws XenError ESRCH; ENOENT for a vcpu that the domain does not have; ENODEV before the first vcpu
   */
  attachVcpu(domid: Domid, vcpu: number, options: Pick<AttachOptions, 'delivery'> = {}): EmulatedVcpu {
    return new EmulatedVcpu(this, domid, vcpu, { ...this.handle.attaching, ...options })
  }

  /** What is open in the whole machine. */
  ledger(): LedgerEntry[] {
    return this.#ledger.entries()
  }
}
