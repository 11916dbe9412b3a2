import { type Domid, EventPriority, PAGE_WORDS, type Port, XenError } from '@split-driver/abi'
import type { EventSignals } from './event-signals.js'
import { DOMID_XEN, type Hypervisor } from './hypervisor.js'
import {
  ChannelState,
  channelRecord,
  DomainState,
  domainRecord,
  EventAbiNumber,
  FIFO_PORTS,
  vcpuRecord,
} from './machine-layout.js'
import { isGlobalVirq } from './virq-kinds.js'

/** Ports that have a record though none was ever opened. */
const FIRST_RECORDS = PAGE_WORDS / channelRecord.words

/** Ports looked at before others get the lock. */
const STEPS_AT_A_TIME = 4096

/** One event channel that is open. */
export interface OpenChannel {
  readonly port: Port
  /** A ChannelState. */
  readonly state: number
  readonly remoteDomid: Domid
  readonly remotePort: Port
}

/** The event channels of all domains: which ports are open, and what lies behind each. Callers hold the machine's lock. */
export class EventPorts {
  readonly #xen: Hypervisor
  readonly #words: Int32Array
  readonly #signals: EventSignals

  constructor(xen: Hypervisor, signals: EventSignals) {
    this.#xen = xen
    this.#words = xen.memory.words
    this.#signals = signals
  }

  get(channel: number, field: number): number {
    return this.#words[channel + field]!
  }

  set(channel: number, field: number, value: number): void {
    this.#words[channel + field] = value
  }

  /** Word index of a port's record, open or not; −1 for what can be no port. Port 0 has one, which is never open. */
  find(record: number, port: number): number {
    const { events } = this.#xen.tables
    if (port >>> 0 !== port) return -1
    // Xen has the first of its buckets from the start.
    const channel = events.wordOf(record, port)
    return channel < 0 && port < FIRST_RECORDS ? events.ensure(record, port) : channel
  }

  /** As `find`, for a port that is open. @throws XenError EINVAL */
  open(record: number, port: number): number {
    const channel = this.find(record, port)
    if (channel < 0 || this.#words[channel + channelRecord.state] === ChannelState.Free)
      throw new XenError('EINVAL', `the domain has no open port ${port}`, { detail: { port } })
    return channel
  }

  /**
   * Opens the lowest port that is free, as Xen does, so that a number comes again as soon as its port was closed, and a FIFO
   * guest has taken it off its queue. Lets others have the lock now and then.
   * @throws XenError ENOSPC ENOMEM; EINVAL if the domain is dying
   */
  claim(caller: Domid, domid: Domid, state: number, remoteDomid: Domid, remotePort: number): Port {
    const { domains } = this.#xen
    let record = domains.record(domid)
    this.#assertLiving(record, domid)
    const end = this.#end(record)
    let lowestFree = 0
    let port = domains.get(record, domainRecord.eventFreeHint)
    for (let steps = 1; port < end; steps++) {
      const channel = this.#recordIfFree(record, port)
      if (channel >= 0 && !this.#signals.isBusy(record, port)) {
        domains.set(record, domainRecord.eventFreeHint, lowestFree || port + 1)
        this.#fill(record, channel, state, remoteDomid, remotePort)
        return port as Port
      }
      if (channel >= 0) lowestFree ||= port
      port++
      if (steps % STEPS_AT_A_TIME !== 0) continue
      domains.set(record, domainRecord.eventFreeHint, lowestFree || port)
      record = this.#breathe(caller, domid)
      this.#assertLiving(record, domid)
      if (domains.get(record, domainRecord.eventFreeHint) === (lowestFree || port)) continue
      port = domains.get(record, domainRecord.eventFreeHint)
      lowestFree = 0
    }
    domains.set(record, domainRecord.eventFreeHint, lowestFree || port)
    throw new XenError('ENOSPC', `domain ${domid} has all of its ${end - 1} ports in use`, { detail: { domid } })
  }

  /** Demands something for a port that was just claimed, which is free again if `demand` throws. */
  orGiveBack(record: number, port: Port, demand: () => void): void {
    try {
      demand()
    } catch (error) {
      // What its guest sees of it is left alone: it never was open.
      this.#free(record, this.find(record, port), port)
      throw error
    }
  }

  /** One end of an interdomain channel. */
  connect(channel: number, remoteDomid: Domid, remotePort: Port): void {
    this.set(channel, channelRecord.state, ChannelState.Interdomain)
    this.set(channel, channelRecord.remoteDomid, remoteDomid)
    this.set(channel, channelRecord.remotePort, remotePort)
  }

  /** Closes a port that is open; its peer's end goes back to unbound, waiting for the same domain again. */
  release(record: number, port: Port): void {
    const { vcpus } = this.#xen
    const words = this.#words
    const channel = this.find(record, port)
    const state = words[channel + channelRecord.state]
    if (state === ChannelState.Interdomain) this.#unbindPeer(record, channel)
    if (state === ChannelState.Virq) {
      const virq = words[channel + channelRecord.virq]!
      const vcpu = isGlobalVirq(virq) ? 0 : words[channel + channelRecord.vcpu]!
      vcpus.set(record, vcpu, vcpuRecord.virqPort + virq, 0)
    }
    this.#signals.clear(record, channel, port)
    this.#free(record, channel, port)
  }

  /**
   * Closes what is open from `first` on. Lets others have the lock now and then.
   * @param reached is told, with the lock held, how far this has come
   */
  closeFrom(caller: Domid, domid: Domid, first: number, reached: (record: number, port: number) => void): void {
    const { domains, tables } = this.#xen
    let record = domains.record(domid)
    for (let port = first; port < tables.events.reach(record); port++) {
      if (domains.get(record, domainRecord.openPorts) === 0) return
      const channel = this.find(record, port)
      if (channel >= 0 && this.#words[channel + channelRecord.state] !== ChannelState.Free)
        this.release(record, port as Port)
      if (port % STEPS_AT_A_TIME !== 0) continue
      reached(record, port)
      record = this.#breathe(caller, domid)
    }
  }

  list(record: number): OpenChannel[] {
    const open: OpenChannel[] = []
    for (let port = 1; port < this.#xen.tables.events.reach(record); port++) {
      const channel = this.find(record, port)
      if (channel < 0 || this.get(channel, channelRecord.state) === ChannelState.Free) continue
      open.push({
        port: port as Port,
        state: this.get(channel, channelRecord.state),
        remoteDomid: this.get(channel, channelRecord.remoteDomid) as Domid,
        remotePort: this.get(channel, channelRecord.remotePort) as Port,
      })
    }
    return open
  }

  #fill(record: number, channel: number, state: number, remoteDomid: Domid, remotePort: number): void {
    const { domains } = this.#xen
    this.set(channel, channelRecord.state, state)
    this.set(channel, channelRecord.remoteDomid, remoteDomid)
    this.set(channel, channelRecord.remotePort, remotePort)
    this.set(channel, channelRecord.priority, EventPriority.Default)
    domains.set(record, domainRecord.openPorts, domains.get(record, domainRecord.openPorts) + 1)
  }

  #free(record: number, channel: number, port: Port): void {
    const { domains } = this.#xen
    const words = this.#words
    const lastQueue = words[channel + channelRecord.lastQueue]!
    words.fill(0, channel, channel + channelRecord.words)
    words[channel + channelRecord.lastQueue] = lastQueue
    domains.set(record, domainRecord.openPorts, domains.get(record, domainRecord.openPorts) - 1)
    if (port < domains.get(record, domainRecord.eventFreeHint)) domains.set(record, domainRecord.eventFreeHint, port)
  }

  #unbindPeer(record: number, channel: number): void {
    const { domains } = this.#xen
    const remoteDomid = this.get(channel, channelRecord.remoteDomid) as Domid
    const peer = this.find(domains.record(remoteDomid), this.get(channel, channelRecord.remotePort))
    this.set(peer, channelRecord.state, ChannelState.Unbound)
    this.set(peer, channelRecord.remotePort, 0)
    // A thread that was killed may have raised the peer's port and not come to waking it.
    if (domains.get(record, domainRecord.state) >= DomainState.Dying)
      this.#xen.wakeLater(remoteDomid, this.get(peer, channelRecord.vcpu))
  }

  /** Word index of the record of a port that is free; −1 if it is not. @throws XenError ENOMEM */
  #recordIfFree(record: number, port: number): number {
    const channel = this.#xen.tables.events.ensure(record, port)
    if (channel < 0) throw new XenError('ENOMEM', 'the machine has no frame for more event channels')
    return this.#words[channel + channelRecord.state] === ChannelState.Free ? channel : -1
  }

  /** One more than the highest port that the domain may have. */
  #end(record: number): number {
    const { domains } = this.#xen
    const isFifo = domains.get(record, domainRecord.eventAbi) === EventAbiNumber.Fifo
    return Math.min(
      isFifo ? FIFO_PORTS : domains.twoLevelWords(record).portCount,
      domains.get(record, domainRecord.eventLimit) + 1,
    )
  }

  #assertLiving(record: number, domid: Domid): void {
    if (this.#xen.domains.get(record, domainRecord.state) < DomainState.Dying) return
    throw new XenError('EINVAL', `domain ${domid} is dying`, { detail: { domid } })
  }

  /** Others have their turn. What was known of the tables may have changed. @throws XenError ESRCH, with the lock held */
  #breathe(caller: Domid, domid: Domid): number {
    this.#xen.leave()
    try {
      this.#xen.enter(caller)
    } catch (error) {
      this.#xen.enter(DOMID_XEN)
      throw error
    }
    return this.#xen.domains.record(domid)
  }
}
