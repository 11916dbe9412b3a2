import { type Domid, type Port, type SharedMemory, XenError } from '@split-driver/abi'
import type { Capabilities, Clock, DomainStates, Platform } from '@split-driver/platform'
import type { XenStoreClient } from '@split-driver/xenbus'
import type { AttachOptions } from './attach-options.js'
import { memoryMap } from './building/memory-map.js'
import { readStartInfo, type StartOfDay } from './building/start-of-day.js'
import { EmulatedDomainStates } from './domain-states.js'
import { EmulatedEventChannels } from './event-channels.js'
import { EmulatedGrantMapper } from './grant-mapper.js'
import { EmulatedGrantSharer } from './grant-sharer.js'
import { EmulatedHypercalls } from './guest/emulated-hypercalls.js'
import { openGrantTable } from './guest/grant-table-opening.js'
import { openEventAbi } from './guest/guest-event-abi.js'
import { DomainState, domainRecord } from './hypervisor/machine-layout.js'
import type { Machine } from './machine.js'
import { FrameMemory } from './memory/frame-memory.js'
import { PageAllocator } from './memory/page-allocator.js'
import { UnmapNotices } from './unmap-notices.js'
import { PauseGate } from './wakeups/pause-gate.js'
import { openXenStore } from './xenstore.js'

/** The console ring as a guest finds it. */
export interface PrimaryConsole {
  readonly memory: SharedMemory
  readonly port: Port
}

/** One domain of the emulated machine, in the thread that runs it. */
export class EmulatedPlatform implements Platform {
  readonly domid: Domid
  readonly events: EmulatedEventChannels
  readonly sharer: EmulatedGrantSharer
  readonly mapper: EmulatedGrantMapper
  readonly xenstore: XenStoreClient
  readonly clock: Clock
  readonly supports: Capabilities
  /** What the start-of-day page says. */
  readonly start: StartOfDay
  /** Keeps events and timers back while the domain is paused or has shut down. */
  readonly gate: PauseGate
  readonly hypercalls: EmulatedHypercalls
  readonly #console: FrameMemory | undefined
  /** XenStore's ring, which `xenstore` goes through. */
  readonly storePage: FrameMemory
  readonly #startInfo: FrameMemory
  readonly #machine: Machine
  readonly #options: AttachOptions
  #successor: EmulatedPlatform | undefined
  #gone = false

  /** @throws XenError ESRCH if there is no such domain */
  constructor(machine: Machine, domid: Domid, options: AttachOptions = {}) {
    const { xen, memory, calls } = machine
    const record = xen.domains.record(domid)
    const field = (name: keyof typeof domainRecord) => xen.domains.get(record, domainRecord[name])
    const writable = (frame: number) => new FrameMemory(memory, frame, 1, 'writable')
    if (field('state') !== DomainState.Running) throw new XenError('ESRCH', `domain ${domid} is not running`)
    const { eventAbi = 'two-level', grantVersion = 1, delivery } = options
    const pages = new PageAllocator(field('memory') + memoryMap.firstFree, field('memoryFrames') - memoryMap.firstFree)
    this.#machine = machine
    this.#options = options
    this.domid = domid
    this.start = readStartInfo(memory, field('startInfo') as StartOfDay['sharedInfo'], xen.domains.wordBits(record))
    this.gate = new PauseGate(xen, domid)
    this.clock = this.gate.clock(machine.clockOf(domid))
    this.supports = machine.supports
    const { store, console } = this.start
    const vcpuCount = field('vcpuCount')
    const sharedInfo = writable(this.start.sharedInfo)
    const words = xen.domains.twoLevelWords(record)
    this.events = new EmulatedEventChannels({
      domid,
      vcpu: 0,
      xen,
      calls,
      guest: openEventAbi({ domid, vcpu: 0, vcpuCount, eventAbi, memory, sharedInfo, words, calls, pages }),
      startOfDay: console ? [store.port, console.port] : [store.port],
      gate: this.gate,
      clock: this.clock,
      delivery,
    })
    this.sharer = new EmulatedGrantSharer({
      domid,
      memory,
      grants: openGrantTable(domid, memory, calls.grants, grantVersion),
      pages,
      clock: this.clock,
      notices: new UnmapNotices(domid, calls.channels),
    })
    this.mapper = new EmulatedGrantMapper(domid, memory, calls.grants, new UnmapNotices(domid, calls.channels))
    this.storePage = writable(store.frame)
    this.xenstore = openXenStore(this.storePage, this.events, store.port, {
      clock: this.clock,
      random: machine.random,
    })
    this.#console = console && writable(console.frame)
    this.#startInfo = writable(field('startInfo'))
    this.hypercalls = new EmulatedHypercalls(machine, this, {
      startInfo: this.#startInfo,
      sharedInfo,
      store: this.storePage,
      console: this.#console,
    })
    this.gate.setAlarm(this.hypercalls.vcpu)
  }

  /** The guest's end of its console. @throws XenError ENODEV in the control domain, which has none */
  get console(): PrimaryConsole {
    if (!this.#console || !this.start.console) throw new XenError('ENODEV', `domain ${this.domid} has no console ring`)
    return { memory: this.#console, port: this.start.console.port }
  }

  /** What the machine says of every domain, for a XenStore daemon. @throws XenError EPERM but in the control domain */
  get domainStates(): DomainStates {
    if (this.start.privileged) return new EmulatedDomainStates(this.#machine.calls.lifecycle)
    throw new XenError('EPERM', `domain ${this.domid} may not ask about other domains`)
  }

  /** Fulfilled when the domain has stopped by its own hypercall. */
  get stopped(): Promise<void> {
    return this.hypercalls.sched.stopped
  }

  /** This one, or what came of it when the domain went on afresh. */
  get latest(): EmulatedPlatform {
    return this.#successor?.latest ?? this
  }

  /** The domain has begun afresh: this platform ends, and another one stands on the new start-of-day page. */
  renew(): EmulatedPlatform {
    this.revoke()
    this.#successor = this.#machine.attach(this.domid, this.#options)
    return this.#successor
  }

  /** The domain is no more: no event reaches this thread any longer, and all its memory is out of reach. Idempotent. */
  revoke(): void {
    this.#successor?.revoke()
    if (this.#gone) return
    this.#gone = true
    this.gate.close()
    this.hypercalls.vcpu.stopSingleshotTimer()
    this.xenstore.close()
    this.events.detach()
    this.mapper.invalidateAll()
    this.sharer.invalidateAll()
    this.hypercalls.grantTable.invalidateAll()
    this.storePage.invalidate()
    this.#startInfo.invalidate()
    this.#console?.invalidate()
  }

  /** This thread leaves the domain in order; what it left open stays open, and on the ledger. Idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.revoke()
  }
}
