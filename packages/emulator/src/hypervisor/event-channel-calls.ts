import { type Domid, type Port, type Virq, XenError } from '@split-driver/abi'
import { clearPending, setPending } from '@split-driver/evtchn'
import type { Hypervisor } from './hypervisor.js'
import { ChannelState, channelRecord, domainRecord, NR_VIRQS, TWO_LEVEL_PORTS, vcpuRecord } from './machine-layout.js'

/** The event-channel hypercalls. @see xen/include/public/event_channel.h EVTCHNOP_* */
export class EventChannelCalls {
  readonly #xen: Hypervisor
  readonly #words: Int32Array

  constructor(xen: Hypervisor) {
    this.#xen = xen
    this.#words = xen.memory.words
  }

  /**
   * EVTCHNOP_alloc_unbound: a port of `domid` for `remoteDomid` to bind to, which need not be there (yet).
   * @throws XenError ENOSPC; ESRCH; EPERM for another domain's ports without privilege
   */
  allocUnbound(caller: Domid, domid: Domid, remoteDomid: Domid): Port {
    const xen = this.#xen
    xen.enter(caller)
    try {
      if (domid !== caller) this.#requirePrivilege(caller, domid)
      return this.#claim(domid, ChannelState.Unbound, remoteDomid, 0)
    } finally {
      xen.leave()
    }
  }

  /** EVTCHNOP_bind_interdomain. The local port is pending once, whatever came before (rule 62). */
  bindInterdomain(caller: Domid, remoteDomid: Domid, remotePort: Port): Port {
    const xen = this.#xen
    xen.enter(caller)
    let local: Port
    try {
      xen.domains.record(remoteDomid)
      const remote = this.#find(remoteDomid, remotePort)
      if (
        remote < 0 ||
        this.#words[remote + channelRecord.state] !== ChannelState.Unbound ||
        this.#words[remote + channelRecord.remoteDomid] !== caller
      )
        throw new XenError('EINVAL', `port ${remotePort} of domain ${remoteDomid} does not wait for domain ${caller}`, {
          detail: { remoteDomid, remotePort },
        })
      local = this.#claim(caller, ChannelState.Interdomain, remoteDomid, remotePort)
      this.#words[remote + channelRecord.state] = ChannelState.Interdomain
      this.#words[remote + channelRecord.remoteDomid] = caller
      this.#words[remote + channelRecord.remotePort] = local
      this.#raise(caller, local)
    } finally {
      xen.leave()
    }
    return local
  }

  /** EVTCHNOP_bind_virq. @throws XenError EEXIST if the domain has it bound; EINVAL for no VIRQ of Xen's */
  bindVirq(caller: Domid, virq: Virq): Port {
    const xen = this.#xen
    if (!Number.isInteger(virq) || virq < 0 || virq >= NR_VIRQS)
      throw new XenError('EINVAL', `there is no VIRQ ${virq}`, { detail: { virq } })
    xen.enter(caller)
    try {
      if (this.#portOfVirq(caller, virq) !== 0)
        throw new XenError('EEXIST', `domain ${caller} has VIRQ ${virq} bound already`, { detail: { virq } })
      const port = this.#claim(caller, ChannelState.Virq, caller, 0)
      this.#words[this.#find(caller, port) + channelRecord.virq] = virq
      xen.vcpus.set(xen.domains.record(caller), 0, vcpuRecord.virqPort + virq, port)
      return port
    } finally {
      xen.leave()
    }
  }

  /** EVTCHNOP_bind_ipi: a port on which the domain raises itself. */
  bindIpi(caller: Domid): Port {
    const xen = this.#xen
    xen.enter(caller)
    try {
      return this.#claim(caller, ChannelState.Ipi, caller, 0)
    } finally {
      xen.leave()
    }
  }

  /** EVTCHNOP_send. Silently nothing on an unbound port (rule 62). @throws XenError EINVAL */
  send(caller: Domid, port: Port): void {
    const xen = this.#xen
    xen.enter(caller)
    try {
      const channel = this.#open(caller, port)
      const words = this.#words
      switch (words[channel + channelRecord.state]) {
        case ChannelState.Interdomain:
          this.#raise(
            words[channel + channelRecord.remoteDomid] as Domid,
            words[channel + channelRecord.remotePort] as Port,
          )
          break
        case ChannelState.Ipi:
          this.#raise(caller, port)
          break
        case ChannelState.Unbound:
          break
        default:
          throw new XenError('EINVAL', `port ${port} carries a VIRQ; only the hypervisor raises it`, {
            detail: { port },
          })
      }
    } finally {
      xen.leave()
    }
  }

  /** EVTCHNOP_close. The peer's end goes back to unbound, waiting for us again. @throws XenError EINVAL */
  close(caller: Domid, port: Port): void {
    const xen = this.#xen
    xen.enter(caller)
    try {
      this.#open(caller, port)
      this.#release(caller, port)
    } finally {
      xen.leave()
    }
  }

  /** The hypervisor raises a virtual interrupt; lost if the domain has not bound it. */
  raiseVirq(caller: Domid, domid: Domid, virq: Virq): void {
    const xen = this.#xen
    xen.enter(caller)
    try {
      const port = xen.domains.find(domid) < 0 ? 0 : this.#portOfVirq(domid, virq)
      if (port !== 0) this.#raise(domid, port as Port)
    } finally {
      xen.leave()
    }
  }

  /** Closes all that `domid` has open. The caller holds the lock. */
  closeAll(domid: Domid): void {
    const reach = this.#reach(domid)
    for (let port = 1; port < reach; port++) if (this.#isOpen(domid, port)) this.#release(domid, port as Port)
  }

  /** Ports that are open, with what each is. The caller holds the lock. */
  listOpen(domid: Domid): { port: Port; state: number; remoteDomid: Domid; remotePort: Port }[] {
    const open = []
    const reach = this.#reach(domid)
    for (let port = 1; port < reach; port++) {
      if (!this.#isOpen(domid, port)) continue
      const channel = this.#find(domid, port)
      open.push({
        port: port as Port,
        state: this.#words[channel + channelRecord.state]!,
        remoteDomid: this.#words[channel + channelRecord.remoteDomid] as Domid,
        remotePort: this.#words[channel + channelRecord.remotePort] as Port,
      })
    }
    return open
  }

  #raise(domid: Domid, port: Port): void {
    const { domains, memory, wakeups } = this.#xen
    const sharedInfo = memory.frame(domains.get(domains.record(domid), domainRecord.sharedInfo))
    const vcpu = this.#words[this.#find(domid, port) + channelRecord.vcpu]!
    if (setPending(sharedInfo, vcpu, port)) wakeups.signal(domid, vcpu, domains)
  }

  #release(domid: Domid, port: Port): void {
    const words = this.#words
    const channel = this.#find(domid, port)
    if (words[channel + channelRecord.state] === ChannelState.Interdomain) {
      const peer = this.#find(
        words[channel + channelRecord.remoteDomid] as Domid,
        words[channel + channelRecord.remotePort]!,
      )
      words[peer + channelRecord.state] = ChannelState.Unbound
      words[peer + channelRecord.remotePort] = 0
    }
    const { domains, memory, vcpus } = this.#xen
    const record = domains.record(domid)
    if (words[channel + channelRecord.state] === ChannelState.Virq) {
      const virq = words[channel + channelRecord.virq]!
      vcpus.set(record, words[channel + channelRecord.vcpu]!, vcpuRecord.virqPort + virq, 0)
    }
    words.fill(0, channel, channel + channelRecord.words)
    domains.set(record, domainRecord.openPorts, domains.get(record, domainRecord.openPorts) - 1)
    if (port < domains.get(record, domainRecord.eventFreeHint)) domains.set(record, domainRecord.eventFreeHint, port)
    clearPending(memory.frame(domains.get(record, domainRecord.sharedInfo)), port)
  }

  /** Xen gives out the lowest that is free, so that a number comes again as soon as its port was closed. */
  #claim(domid: Domid, state: number, remoteDomid: Domid, remotePort: number): Port {
    const words = this.#words
    const { domains, tables } = this.#xen
    const record = domains.record(domid)
    const end = Math.min(domains.get(record, domainRecord.eventLimit) + 1, TWO_LEVEL_PORTS)
    for (let port = domains.get(record, domainRecord.eventFreeHint); port < end; port++) {
      const channel = tables.events.ensure(record, port)
      if (channel < 0) break
      if (words[channel + channelRecord.state] !== ChannelState.Free) continue
      words[channel + channelRecord.state] = state
      words[channel + channelRecord.remoteDomid] = remoteDomid
      words[channel + channelRecord.remotePort] = remotePort
      domains.set(record, domainRecord.eventFreeHint, port + 1)
      domains.set(record, domainRecord.openPorts, domains.get(record, domainRecord.openPorts) + 1)
      return port as Port
    }
    throw new XenError('ENOSPC', `domain ${domid} has all of its ${end - 1} ports open`, { detail: { domid } })
  }

  #portOfVirq(domid: Domid, virq: Virq): number {
    const { domains, vcpus } = this.#xen
    return vcpus.get(domains.record(domid), 0, vcpuRecord.virqPort + virq)
  }

  #open(domid: Domid, port: Port): number {
    const channel = this.#find(domid, port)
    if (!this.#isOpen(domid, port))
      throw new XenError('EINVAL', `domain ${domid} has no open port ${port}`, { detail: { domid, port } })
    return channel
  }

  /** One more than the highest port that may be open. */
  #reach(domid: Domid): number {
    const { domains, tables } = this.#xen
    return tables.events.reach(domains.record(domid))
  }

  #isOpen(domid: Domid, port: number): boolean {
    const channel = this.#find(domid, port)
    return channel >= 0 && this.#words[channel + channelRecord.state] !== ChannelState.Free
  }

  /** Word index of a port's record; −1 for what can be no port. */
  #find(domid: Domid, port: number): number {
    const { domains, tables } = this.#xen
    return port >>> 0 === port && port > 0 ? tables.events.wordOf(domains.record(domid), port) : -1
  }

  #requirePrivilege(caller: Domid, domid: Domid): void {
    if (this.#xen.isPrivileged(caller)) return
    throw new XenError('EPERM', `domain ${caller} may not open ports of domain ${domid}`)
  }
}
