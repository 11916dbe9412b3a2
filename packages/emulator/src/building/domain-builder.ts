import { DOM0, type Domid, type FrameNumber, type GrantRef, SharedInfo, SharedInfo32 } from '@split-driver/abi'
import { GRANT_RESERVED_CONSOLE, GRANT_RESERVED_XENSTORE, GrantTableV1 } from '@split-driver/grant'
import type { DomainCalls, DomainSize } from '../hypervisor/domain-calls.js'
import type { EventChannelCalls } from '../hypervisor/event-channel-calls.js'
import { DOMID_XEN, type Hypervisor } from '../hypervisor/hypervisor.js'
import { domainRecord } from '../hypervisor/machine-layout.js'
import { memoryMap } from './memory-map.js'
import { readStartInfo, type StartOfDay, writeStartInfo } from './start-of-day.js'
import { type MachineTime, writeTimes } from './time-pages.js'

export interface DomainPlan extends DomainSize {
  /** At most 1023 bytes. Default empty. */
  readonly commandLine?: string
}

export interface BuiltDomain {
  readonly domid: Domid
  readonly start: StartOfDay
}

/** Makes a domain and everything it finds when it starts; the reverse is `DomainCalls.kill` and `reap`. */
export class DomainBuilder {
  readonly #xen: Hypervisor
  readonly #channels: EventChannelCalls
  readonly #domains: DomainCalls
  readonly #time: MachineTime

  constructor(xen: Hypervisor, channels: EventChannelCalls, domains: DomainCalls, time: MachineTime) {
    this.#xen = xen
    this.#time = time
    this.#channels = channels
    this.#domains = domains
  }

  /** @throws XenError ENOMEM ENOSPC; RangeError for sizes that cannot be; nothing is left built then */
  build(plan: DomainPlan, role: 'control' | 'guest'): BuiltDomain {
    const domid = this.#domains.create(plan, role === 'control')
    try {
      return { domid, start: this.#furnish(domid, plan, role) }
    } catch (error) {
      this.#domains.kill(domid)
      this.#domains.reap(domid)
      throw error
    }
  }

  /**
   * Sets a suspended domain up as after a restore: new ports, another start-of-day page, nothing open. What lies in its memory
   * stays. @throws XenError EBUSY if it has version 2 grants that are in use; ENOSPC
   */
  renew(domid: Domid): StartOfDay {
    const { domains, memory } = this.#xen
    const before = domains.get(domains.record(domid), domainRecord.startInfo) as FrameNumber
    const { commandLine } = readStartInfo(memory, before, domains.wordBits(domains.record(domid)))
    this.#domains.renew(domid)
    return this.#startOfDay(domid, { commandLine }, 'guest')
  }

  #furnish(domid: Domid, plan: DomainPlan, role: 'control' | 'guest'): StartOfDay {
    const { domains, memory, tables } = this.#xen
    const start = this.#startOfDay(domid, plan, role)
    const grants = new GrantTableV1([memory.frame(tables.grants.frameAt(domains.record(domid), 0))])
    grants.grantAccess(GRANT_RESERVED_XENSTORE as GrantRef, DOM0, start.store.frame, 'writable')
    if (start.console) grants.grantAccess(GRANT_RESERVED_CONSOLE as GrantRef, DOM0, start.console.frame, 'writable')
    return start
  }

  #startOfDay(domid: Domid, plan: DomainPlan, role: 'control' | 'guest'): StartOfDay {
    const { domains, memory } = this.#xen
    const record = domains.record(domid)
    const field = (name: keyof typeof domainRecord) => domains.get(record, domainRecord[name])
    const page = (index: number) => (field('memory') + index) as FrameNumber
    const openPort = () => this.#channels.allocUnbound(DOMID_XEN, domid, DOM0)

    const store = { frame: page(memoryMap.store), port: openPort() }
    domains.set(record, domainRecord.storePort, store.port)
    const console = role === 'guest' ? { frame: page(memoryMap.console), port: openPort() } : undefined
    if (console) domains.set(record, domainRecord.consolePort, console.port)
    const wordBits = domains.wordBits(record)
    const start: StartOfDay = {
      wordBits,
      pages: field('memoryFrames'),
      sharedInfo: field('sharedInfo') as FrameNumber,
      privileged: role === 'control',
      store,
      console,
      commandLine: plan.commandLine ?? '',
    }
    const layout = wordBits === 32 ? SharedInfo32 : SharedInfo
    writeTimes(memory.frame(start.sharedInfo), layout, field('vcpuCount'), this.#time)
    domains.set(record, domainRecord.startInfo, page(memoryMap.startInfo))
    writeStartInfo(memory, page(memoryMap.startInfo), start)
    return start
  }
}
