import { DOMID_SELF, type Domid, type Port, type Virq, XenError } from '@split-driver/abi'
import { EventBindingCalls } from './event-binding-calls.js'
import type { OpenChannel } from './event-ports.js'
import { DOMID_XEN } from './hypervisor.js'
import { ChannelState, channelRecord, domainRecord, vcpuRecord } from './machine-layout.js'
import { isGlobalVirq } from './virq-kinds.js'

/** What EVTCHNOP_status tells of a port. @see event_channel.h EVTCHNSTAT_* */
export interface ChannelStatus {
  /** Which vcpu is notified. */
  readonly vcpu: number
  readonly is: 'closed' | 'unbound' | 'interdomain' | 'virq' | 'ipi'
  /** Who may bind an unbound port, who is at the other end of an interdomain one. */
  readonly remoteDomid?: Domid
  readonly remotePort?: Port
  readonly virq?: Virq
}

/** The event-channel hypercalls that are the same under every event ABI. @see xen/include/public/event_channel.h EVTCHNOP_* */
export class EventChannelCalls extends EventBindingCalls {
  /** EVTCHNOP_send. Silently nothing on an unbound port (rule 62). @throws XenError EINVAL */
  send(caller: Domid, port: Port): void {
    const xen = this.xen
    xen.enter(caller)
    try {
      const record = xen.domains.record(caller)
      const channel = this.ports.open(record, port)
      const state = this.ports.get(channel, channelRecord.state)
      if (state === ChannelState.Interdomain) this.#sendTo(channel)
      else if (state === ChannelState.Ipi) this.signals.raise(caller, record, channel, port)
      else if (state === ChannelState.Virq)
        throw new XenError('EINVAL', `port ${port} carries a VIRQ; only the hypervisor raises it`, { detail: { port } })
    } finally {
      xen.leave()
    }
  }

  /** EVTCHNOP_unmask: by the hypervisor, which signals what came meanwhile. @throws XenError EINVAL for what is no port */
  unmask(caller: Domid, port: Port): void {
    const xen = this.xen
    xen.enter(caller)
    try {
      const record = xen.domains.record(caller)
      const channel = this.ports.find(record, port)
      if (channel < 0) throw new XenError('EINVAL', `domain ${caller} has no port ${port}`, { detail: { port } })
      if (this.ports.get(channel, channelRecord.state) !== ChannelState.Free)
        this.signals.unmask(caller, record, channel, port)
    } finally {
      xen.leave()
    }
  }

  /** EVTCHNOP_close. The peer's end goes back to unbound, waiting for us again. @throws XenError EINVAL */
  close(caller: Domid, port: Port): void {
    const xen = this.xen
    xen.enter(caller)
    try {
      const record = xen.domains.record(caller)
      this.ports.open(record, port)
      this.ports.release(record, port)
    } finally {
      xen.leave()
    }
  }

  /**
   * EVTCHNOP_status. A port that is not open is closed.
   * @throws XenError ESRCH; EINVAL for what is no port; EPERM for another domain's without privilege
   */
  status(caller: Domid, domid: Domid, port: Port): ChannelStatus {
    const xen = this.xen
    const owner = domid === DOMID_SELF ? caller : domid
    xen.enter(caller)
    try {
      const channel = this.ports.find(xen.domains.record(owner), port)
      if (channel < 0) throw new XenError('EINVAL', `domain ${owner} has no port ${port}`, { detail: { port } })
      this.assertMayTouch(caller, owner)
      return this.#statusOf(channel)
    } finally {
      xen.leave()
    }
  }

  /** Has the port an event, masked or not? What SCHEDOP_poll looks at. @throws XenError EINVAL if it is not open */
  isPending(caller: Domid, port: Port): boolean {
    const xen = this.xen
    xen.enter(caller)
    try {
      const record = xen.domains.record(caller)
      this.ports.open(record, port)
      return this.signals.isPending(record, port)
    } finally {
      xen.leave()
    }
  }

  /** From now on any event of the domain wakes this vcpu, masked or not, or no longer does: for SCHEDOP_poll. */
  setPolling(caller: Domid, vcpu: number, polling: boolean): void {
    const xen = this.xen
    xen.enter(caller)
    try {
      const record = xen.domains.record(caller)
      this.assertVcpu(record, vcpu)
      const others = xen.domains.get(record, domainRecord.pollers) & ~(1 << vcpu)
      xen.domains.set(record, domainRecord.pollers, polling ? others | (1 << vcpu) : others)
    } finally {
      xen.leave()
    }
  }

  /** The hypervisor raises a virtual interrupt; lost if the domain has not bound it. @param vcpu whose, if not global */
  raiseVirq(caller: Domid, domid: Domid, virq: Virq, vcpu = 0): void {
    const xen = this.xen
    xen.enter(caller)
    try {
      const record = xen.domains.find(domid)
      if (record < 0 || !xen.vcpus.has(record, vcpu)) return
      const port = xen.vcpus.get(record, isGlobalVirq(virq) ? 0 : vcpu, vcpuRecord.virqPort + virq)
      if (port !== 0) this.signals.raise(domid, record, this.ports.find(record, port), port as Port)
    } finally {
      xen.leave()
    }
  }

  /**
   * Closes all that a domain has open which does not run any more; it is back at the two-level ABI. The caller holds the lock
   * as DOMID_XEN; others have it now and then.
   */
  closeAll(domid: Domid): void {
    this.ports.closeFrom(DOMID_XEN, domid, 1, () => {})
    this.signals.chooseTwoLevel(this.xen.domains.record(domid))
  }

  /** Ports that are open, with what each is. The caller holds the lock. */
  listOpen(domid: Domid): OpenChannel[] {
    return this.ports.list(this.xen.domains.record(domid))
  }

  #sendTo(channel: number): void {
    const remoteDomid = this.ports.get(channel, channelRecord.remoteDomid) as Domid
    const remotePort = this.ports.get(channel, channelRecord.remotePort) as Port
    const record = this.xen.domains.record(remoteDomid)
    this.signals.raise(remoteDomid, record, this.ports.find(record, remotePort), remotePort)
  }

  #statusOf(channel: number): ChannelStatus {
    const field = (name: keyof typeof channelRecord) => this.ports.get(channel, channelRecord[name])
    const vcpu = field('vcpu')
    const remoteDomid = field('remoteDomid') as Domid
    switch (field('state')) {
      case ChannelState.Unbound:
        return { vcpu, is: 'unbound', remoteDomid }
      case ChannelState.Interdomain:
        return { vcpu, is: 'interdomain', remoteDomid, remotePort: field('remotePort') as Port }
      case ChannelState.Virq:
        return { vcpu, is: 'virq', virq: field('virq') as Virq }
      case ChannelState.Ipi:
        return { vcpu, is: 'ipi' }
      default:
        return { vcpu, is: 'closed' }
    }
  }
}
