import { DOMID_SELF, type Domid, type Port, type Virq, XenError } from '@split-driver/abi'
import { EventPorts } from './event-ports.js'
import { EventSignals } from './event-signals.js'
import type { Hypervisor } from './hypervisor.js'
import { ChannelState, channelRecord, vcpuRecord } from './machine-layout.js'
import { isGlobalVirq, isVirq } from './virq-kinds.js'

/** The event-channel hypercalls that open ports and say what lies behind them. @see event_channel.h EVTCHNOP_bind_* */
export abstract class EventBindingCalls {
  protected readonly xen: Hypervisor
  protected readonly ports: EventPorts
  protected readonly signals: EventSignals

  constructor(xen: Hypervisor) {
    this.xen = xen
    this.signals = new EventSignals(xen)
    this.ports = new EventPorts(xen, this.signals)
  }

  /**
   * EVTCHNOP_alloc_unbound: a port of `domid` for `remoteDomid` to bind to, which need not be there (yet). Either may be
   * DOMID_SELF.
   * @throws XenError ESRCH ENOSPC ENOMEM; EPERM for another domain's ports without privilege; EINVAL for a dying domain's
   */
  allocUnbound(caller: Domid, domid: Domid, remoteDomid: Domid): Port {
    const xen = this.xen
    const owner = domid === DOMID_SELF ? caller : domid
    xen.enter(caller)
    try {
      xen.domains.record(owner)
      this.assertMayTouch(caller, owner)
      const remote = remoteDomid === DOMID_SELF ? caller : remoteDomid
      return this.ports.claim(caller, owner, ChannelState.Unbound, remote, 0)
    } finally {
      xen.leave()
    }
  }

  /**
   * EVTCHNOP_bind_interdomain. The local port is pending once, whatever came before (rule 62).
   * @throws XenError ESRCH ENOSPC ENOMEM; EINVAL if that port does not wait for the caller
   */
  bindInterdomain(caller: Domid, remoteDomid: Domid, remotePort: Port): Port {
    const xen = this.xen
    const peer = remoteDomid === DOMID_SELF ? caller : remoteDomid
    xen.enter(caller)
    try {
      xen.domains.record(peer)
      const local = this.ports.claim(caller, caller, ChannelState.Ipi, peer, 0)
      const record = xen.domains.record(caller)
      this.ports.orGiveBack(record, local, () => this.#assertWaits(caller, peer, remotePort))
      this.#join(caller, local, peer, remotePort)
      return local
    } finally {
      xen.leave()
    }
  }

  /**
   * EVTCHNOP_bind_virq.
   * @throws XenError EEXIST if it is bound already; EINVAL for no VIRQ of Xen's, or for a global one on another vcpu than 0;
   * ENOENT for a vcpu that is not there; ENOSPC ENOMEM
   */
  bindVirq(caller: Domid, virq: Virq, vcpu = 0): Port {
    const xen = this.xen
    if (!isVirq(virq)) throw new XenError('EINVAL', `there is no VIRQ ${virq}`, { detail: { virq } })
    if (isGlobalVirq(virq) && vcpu !== 0)
      throw new XenError('EINVAL', `VIRQ ${virq} is global: it can be bound on vcpu 0 only`, { detail: { virq, vcpu } })
    xen.enter(caller)
    try {
      const record = xen.domains.record(caller)
      this.assertVcpu(record, vcpu)
      this.#assertVirqFree(record, virq, vcpu)
      const port = this.ports.claim(caller, caller, ChannelState.Ipi, caller, 0)
      this.ports.orGiveBack(record, port, () => this.#assertVirqFree(record, virq, vcpu))
      this.#bindVirq(record, port, virq, vcpu)
      return port
    } finally {
      xen.leave()
    }
  }

  /** EVTCHNOP_bind_ipi: a port on which the domain raises one of its own vcpus. @throws XenError ENOENT ENOSPC ENOMEM */
  bindIpi(caller: Domid, vcpu = 0): Port {
    const xen = this.xen
    xen.enter(caller)
    try {
      const record = xen.domains.record(caller)
      this.assertVcpu(record, vcpu)
      const port = this.ports.claim(caller, caller, ChannelState.Ipi, caller, 0)
      this.ports.set(this.ports.find(record, port), channelRecord.vcpu, vcpu)
      return port
    } finally {
      xen.leave()
    }
  }

  /**
   * EVTCHNOP_bind_vcpu: which vcpu is notified from the next event on.
   * @throws XenError ENOENT for a vcpu that is not there; EINVAL for a port that is not open, an IPI or a vcpu's own VIRQ
   */
  bindVcpu(caller: Domid, port: Port, vcpu: number): void {
    const xen = this.xen
    xen.enter(caller)
    try {
      const record = xen.domains.record(caller)
      this.assertVcpu(record, vcpu)
      const channel = this.ports.open(record, port)
      const state = this.ports.get(channel, channelRecord.state)
      const isFixed =
        state === ChannelState.Ipi ||
        (state === ChannelState.Virq && !isGlobalVirq(this.ports.get(channel, channelRecord.virq)))
      if (isFixed) throw new XenError('EINVAL', `port ${port} belongs to its vcpu`, { detail: { port, vcpu } })
      this.ports.set(channel, channelRecord.vcpu, vcpu)
    } finally {
      xen.leave()
    }
  }

  protected assertVcpu(record: number, vcpu: number): void {
    if (this.xen.vcpus.has(record, vcpu)) return
    throw new XenError('ENOENT', `the domain has no vcpu ${vcpu}`, { detail: { vcpu } })
  }

  protected assertMayTouch(caller: Domid, domid: Domid): void {
    if (caller === domid || this.xen.isPrivileged(caller)) return
    throw new XenError('EPERM', `domain ${caller} may not touch ports of domain ${domid}`, { detail: { domid } })
  }

  #assertVirqFree(record: number, virq: Virq, vcpu: number): void {
    if (this.xen.vcpus.get(record, vcpu, vcpuRecord.virqPort + virq) === 0) return
    throw new XenError('EEXIST', `the domain has VIRQ ${virq} bound already`, { detail: { virq, vcpu } })
  }

  #bindVirq(record: number, port: Port, virq: Virq, vcpu: number): void {
    const channel = this.ports.find(record, port)
    this.ports.set(channel, channelRecord.state, ChannelState.Virq)
    this.ports.set(channel, channelRecord.virq, virq)
    this.ports.set(channel, channelRecord.vcpu, vcpu)
    this.xen.vcpus.set(record, vcpu, vcpuRecord.virqPort + virq, port)
  }

  #assertWaits(caller: Domid, peer: Domid, remotePort: Port): void {
    const remote = this.ports.find(this.xen.domains.record(peer), remotePort)
    if (
      remote >= 0 &&
      this.ports.get(remote, channelRecord.state) === ChannelState.Unbound &&
      this.ports.get(remote, channelRecord.remoteDomid) === caller
    )
      return
    throw new XenError('EINVAL', `port ${remotePort} of domain ${peer} does not wait for domain ${caller}`, {
      detail: { remoteDomid: peer, remotePort },
    })
  }

  /** Both ends; a port of the caller's own may wait for the caller, even this one for itself. */
  #join(caller: Domid, local: Port, peer: Domid, remotePort: Port): void {
    const { domains } = this.xen
    const record = domains.record(caller)
    const near = this.ports.find(record, local)
    const far = this.ports.find(domains.record(peer), remotePort)
    this.ports.connect(near, peer, remotePort)
    this.ports.connect(far, caller, local)
    this.signals.raise(caller, record, near, local)
  }
}
