import { DOMID_SELF, type Domid, EventPriority, type Port, XenError } from '@split-driver/abi'
import { EventPorts } from './event-ports.js'
import { EventSignals } from './event-signals.js'
import { FifoQueues } from './fifo-queues.js'
import type { Hypervisor } from './hypervisor.js'
import { ChannelState, channelRecord, domainRecord, EventAbiNumber, vcpuRecord } from './machine-layout.js'

/** Where a vcpu's FIFO control block lies. */
export interface ControlBlock {
  readonly vcpu: number
  /** A page of the domain's own. */
  readonly frame: number
  /** Bytes from the page's start; a multiple of 8. */
  readonly offset: number
}

/** The event-channel hypercalls that choose and shape a domain's event ABI. @see event_channel.h EVTCHNOP_init_control ff. */
export class EventControlCalls {
  readonly #xen: Hypervisor
  readonly #signals: EventSignals
  readonly #ports: EventPorts
  readonly #queues: FifoQueues

  constructor(xen: Hypervisor) {
    this.#xen = xen
    this.#signals = new EventSignals(xen)
    this.#ports = new EventPorts(xen, this.#signals)
    this.#queues = new FifoQueues(xen)
  }

  /**
   * EVTCHNOP_init_control: names a vcpu's control block. The first one switches the domain to the FIFO ABI: events that are
   * pending then are raised anew as soon as the array has words for them.
   * @throws XenError ENOENT for a vcpu that is not there; EINVAL for a place that cannot be, or a second block
   */
  initControl(caller: Domid, { vcpu, frame, offset }: ControlBlock): void {
    const { domains, vcpus } = this.#xen
    this.#xen.enter(caller)
    try {
      const record = domains.record(caller)
      if (!vcpus.has(record, vcpu)) throw new XenError('ENOENT', `the domain has no vcpu ${vcpu}`, { detail: { vcpu } })
      this.#queues.of(record).setControl(caller, vcpu, frame, offset)
      if (domains.get(record, domainRecord.eventAbi) === EventAbiNumber.Fifo) return
      this.#savePending(record)
      domains.set(record, domainRecord.eventAbi, EventAbiNumber.Fifo)
    } finally {
      this.#xen.leave()
    }
  }

  /**
   * EVTCHNOP_expand_array: the guest's array has one page more, of 1024 event words.
   * @throws XenError EOPNOTSUPP before `initControl`; ENOSPC after 128 pages; EINVAL for a page that is not the domain's
   */
  expandArray(caller: Domid, frame: number): void {
    const { domains } = this.#xen
    this.#xen.enter(caller)
    try {
      const record = domains.record(caller)
      if (domains.get(record, domainRecord.eventAbi) !== EventAbiNumber.Fifo)
        throw new XenError('EOPNOTSUPP', `domain ${caller} has not chosen the FIFO ABI`, { detail: { domid: caller } })
      const firstPort = this.#queues.of(record).addArrayPage(caller, frame)
      this.#signals.raiseSaved(caller, record, firstPort)
    } finally {
      this.#xen.leave()
    }
  }

  /**
   * EVTCHNOP_set_priority, 0 (highest) to 15; counts from the next event on that finds the port in no queue.
   * @throws XenError ENOSYS under the two-level ABI; EINVAL for what is no port or no priority; EACCES if it is not open
   */
  setPriority(caller: Domid, port: Port, priority: number): void {
    const { domains } = this.#xen
    this.#xen.enter(caller)
    try {
      const record = domains.record(caller)
      const channel = this.#ports.find(record, port)
      if (channel < 0) throw new XenError('EINVAL', `the domain has no port ${port}`, { detail: { port } })
      if (domains.get(record, domainRecord.eventAbi) !== EventAbiNumber.Fifo)
        throw new XenError('ENOSYS', 'the two-level ABI has no priorities')
      if (this.#ports.get(channel, channelRecord.state) === ChannelState.Free)
        throw new XenError('EACCES', `port ${port} is not open`, { detail: { port } })
      if (priority >>> 0 !== priority || priority > EventPriority.Min)
        throw new XenError('EINVAL', `there is no priority ${priority}`, { detail: { port, priority } })
      this.#ports.set(channel, channelRecord.priority, priority)
    } finally {
      this.#xen.leave()
    }
  }

  /**
   * EVTCHNOP_reset: closes all ports, start of day's too, and goes back to the two-level ABI. Others have the lock now and
   * then; a port that is opened meanwhile stays open.
   * @throws XenError ESRCH; EPERM for another domain without privilege; EINVAL for another that is not paused; EBUSY if one is
   * under way already; EAGAIN if ports are open after all
   */
  reset(caller: Domid, domid: Domid): void {
    const { domains } = this.#xen
    const owner = domid === DOMID_SELF ? caller : domid
    this.#xen.enter(caller)
    try {
      const record = domains.record(owner)
      this.#assertMayReset(caller, owner, record)
      if (domains.get(record, domainRecord.eventResetAt) !== 0)
        throw new XenError('EBUSY', `the ports of domain ${owner} are being reset already`, {
          detail: { domid: owner },
        })
      domains.set(record, domainRecord.eventResetAt, 1)
      this.#ports.closeFrom(caller, owner, 1, (now, port) => domains.set(now, domainRecord.eventResetAt, port))
      this.#finishReset(owner)
    } finally {
      this.#xen.leave()
    }
  }

  /** The frame of a page of the guest's FIFO array; 0 where there is none. For the domain's further vcpus. */
  arrayFrame(caller: Domid, slot: number): number {
    this.#xen.enter(caller)
    try {
      return this.#queues.of(this.#xen.domains.record(caller)).arrayFrame(slot)
    } finally {
      this.#xen.leave()
    }
  }

  /** The ABI that the domain has chosen, and a vcpu's control block under FIFO. */
  abiOf(
    caller: Domid,
    vcpu: number,
  ): { readonly abi: 'two-level' | 'fifo'; readonly control: ControlBlock | undefined } {
    const { domains, vcpus } = this.#xen
    this.#xen.enter(caller)
    try {
      const record = domains.record(caller)
      const frame = vcpus.get(record, vcpu, vcpuRecord.fifoFrame)
      const offset = vcpus.get(record, vcpu, vcpuRecord.fifoWord) * 4
      return {
        abi: domains.get(record, domainRecord.eventAbi) === EventAbiNumber.Fifo ? 'fifo' : 'two-level',
        control: frame === 0 ? undefined : { vcpu, frame, offset },
      }
    } finally {
      this.#xen.leave()
    }
  }

  #finishReset(domid: Domid): void {
    const { domains } = this.#xen
    const record = domains.record(domid)
    domains.set(record, domainRecord.eventResetAt, 0)
    if (domains.get(record, domainRecord.openPorts) > 0)
      throw new XenError('EAGAIN', `domain ${domid} has opened ports meanwhile`, { detail: { domid } })
    this.#signals.chooseTwoLevel(record)
  }

  /** What is pending under the two-level ABI, and where every port begins under FIFO. */
  #savePending(record: number): void {
    const { portCount } = this.#xen.domains.twoLevelWords(record)
    for (let port = 1; port < portCount; port++) {
      const channel = this.#ports.find(record, port)
      if (channel < 0) return
      if (this.#ports.get(channel, channelRecord.state) === ChannelState.Free) continue
      const isPending = this.#signals.isPending(record, port as Port)
      this.#ports.set(channel, channelRecord.pending, isPending ? 1 : 0)
      this.#ports.set(channel, channelRecord.priority, EventPriority.Default)
    }
  }

  #assertMayReset(caller: Domid, domid: Domid, record: number): void {
    if (caller === domid) return
    if (!this.#xen.isPrivileged(caller))
      throw new XenError('EPERM', `domain ${caller} may not reset domain ${domid}`, { detail: { domid } })
    if (this.#xen.domains.get(record, domainRecord.holds) === 0)
      throw new XenError('EINVAL', `domain ${domid} is not paused`, { detail: { domid } })
  }
}
