import type { Domid } from '@split-driver/abi'
import type { Capabilities, Clock } from '@split-driver/platform'
import { type BuiltDomain, DomainBuilder, type DomainPlan } from './domain-builder.js'
import { EmulatedPlatform } from './emulated-platform.js'
import { FutexWakeups } from './futex-wakeups.js'
import { HostClock, hostTime } from './host-clock.js'
import { DomainCalls } from './hypervisor/domain-calls.js'
import { EventChannelCalls } from './hypervisor/event-channel-calls.js'
import { GrantCalls } from './hypervisor/grant-calls.js'
import { Hypervisor } from './hypervisor/hypervisor.js'
import { InlineWakeups } from './inline-wakeups.js'
import { Ledger, type LedgerEntry } from './ledger.js'
import { MachineMemory, type MachineSize } from './machine-memory.js'

/** `threads`: domains in threads of their own, woken by futex. `inline`: all in this thread, woken in microtasks. */
export type MachineMode = 'threads' | 'inline'

export interface MachineOptions extends MachineSize {
  /** Default `inline`. */
  readonly mode?: MachineMode
}

/** What another thread needs to join the same machine; can be posted to it. */
export interface MachineHandle {
  readonly mode: MachineMode
  readonly memory: SharedArrayBuffer
  /** When the machine was created, in the host's time. */
  readonly began: number
}

/** The hypercalls, in groups. */
export interface Hypercalls {
  readonly channels: EventChannelCalls
  readonly grants: GrantCalls
  readonly domains: DomainCalls
}

/** An emulated machine as one thread sees it: its memory, its hypervisor, and the domains that this thread runs. */
export class Machine {
  readonly handle: MachineHandle
  readonly memory: MachineMemory
  readonly xen: Hypervisor
  readonly calls: Hypercalls
  readonly clock: Clock
  readonly supports: Capabilities
  readonly #builder: DomainBuilder
  readonly #ledger: Ledger

  private constructor(mode: MachineMode, memory: MachineMemory, began: number) {
    this.handle = { mode, memory: memory.buffer, began }
    this.memory = memory
    this.clock = new HostClock(began)
    const wakeups = mode === 'inline' ? new InlineWakeups() : new FutexWakeups(memory.words)
    this.xen = new Hypervisor(memory, wakeups)
    const channels = new EventChannelCalls(this.xen)
    const grants = new GrantCalls(this.xen)
    this.calls = { channels, grants, domains: new DomainCalls(this.xen, channels, grants) }
    this.supports = {
      grantCopy: true,
      checkedMemory: true,
      heldPageCount: true,
      separateDomains: true,
      parallel: wakeups.parallel,
      virq: true,
      ipi: true,
      unmapNotify: false,
    }
    this.#builder = new DomainBuilder(this.xen, channels, this.calls.domains)
    this.#ledger = new Ledger(this.xen, channels, grants)
  }

  /** A machine without any domain yet. @throws RangeError for sizes that cannot be */
  static create(options: MachineOptions = {}): Machine {
    return new Machine(options.mode ?? 'inline', MachineMemory.create(options), hostTime())
  }

  /** Joins a machine that another thread created. @throws TypeError if this is no machine */
  static join(handle: MachineHandle): Machine {
    return new Machine(handle.mode, MachineMemory.open(handle.memory), handle.began)
  }

  /** Builds the control domain, domain 0 if it is the first one. */
  buildControlDomain(plan: DomainPlan = {}): BuiltDomain {
    return this.#builder.build(plan, 'control')
  }

  /** Builds a domain that XenStore does not know yet; `Toolstack.create` does the whole. */
  buildGuest(plan: DomainPlan = {}): BuiltDomain {
    return this.#builder.build(plan, 'guest')
  }

  /** From now on this thread runs the domain's code; one thread a domain. @throws XenError ESRCH */
  attach(domid: Domid): EmulatedPlatform {
    return new EmulatedPlatform(this, domid)
  }

  /** What is open in the whole machine. */
  ledger(): LedgerEntry[] {
    return this.#ledger.entries()
  }
}
