import type { Domid, Port } from '@split-driver/abi'
import {
  clearFifoPending,
  clearPending,
  EVENT_WORDS_PER_PAGE,
  isFifoLinked,
  setFifoPending,
  setPending,
  unmaskFifoPort,
  unmaskPort,
} from '@split-driver/evtchn'
import { FifoQueues } from './fifo-queues.js'
import type { Hypervisor } from './hypervisor.js'
import { channelRecord, domainRecord, EventAbiNumber } from './machine-layout.js'

/** How a port is raised in its guest's memory, by the ABI that the guest has chosen. Callers hold the machine's lock. */
export class EventSignals {
  readonly #xen: Hypervisor
  readonly #words: Int32Array
  readonly #queues: FifoQueues

  constructor(xen: Hypervisor) {
    this.#xen = xen
    this.#words = xen.memory.words
    this.#queues = new FifoQueues(xen)
  }

  /** An event of an open port. @param channel its record */
  raise(domid: Domid, record: number, channel: number, port: Port): void {
    const { domains } = this.#xen
    const vcpu = this.#words[channel + channelRecord.vcpu]!
    if (this.#setPending(record, channel, port, vcpu)) this.#xen.wakeLater(domid, vcpu)
    const pollers = domains.get(record, domainRecord.pollers)
    if (pollers !== 0) this.#wakePollers(domid, pollers)
  }

  /** EVTCHNOP_unmask of an open port. */
  unmask(domid: Domid, record: number, channel: number, port: Port): void {
    const vcpu = this.#words[channel + channelRecord.vcpu]!
    if (this.#unmask(record, channel, port, vcpu)) this.#xen.wakeLater(domid, vcpu)
  }

  /** Forgets the event of a port that is being closed. */
  clear(record: number, channel: number, port: Port): void {
    this.#words[channel + channelRecord.pending] = 0
    if (this.#isFifo(record)) clearFifoPending(this.#queues.of(record), port)
    else clearPending(this.#sharedInfo(record), port, this.#twoLevel(record))
  }

  /** Does its guest see an event of this port, masked or not? */
  isPending(record: number, port: Port): boolean {
    return this.#isFifo(record)
      ? this.#queues.of(record).isPending(port)
      : this.#bit(record, port, this.#twoLevel(record).pending)
  }

  isMasked(record: number, port: Port): boolean {
    return this.#isFifo(record)
      ? this.#queues.of(record).isMasked(port)
      : this.#bit(record, port, this.#twoLevel(record).mask)
  }

  /** A closed port that its guest has yet to take off a queue: it cannot be given out. */
  isBusy(record: number, port: number): boolean {
    return this.#isFifo(record) && isFifoLinked(this.#queues.of(record), port as Port)
  }

  /** The guest's array has got its next page: what was raised before, and had no word, is raised now. */
  raiseSaved(domid: Domid, record: number, firstPort: number): void {
    const { events } = this.#xen.tables
    for (let port = Math.max(1, firstPort); port < firstPort + EVENT_WORDS_PER_PAGE; port++) {
      const channel = events.wordOf(record, port)
      if (channel < 0 || this.#words[channel + channelRecord.pending] === 0) continue
      this.#words[channel + channelRecord.pending] = 0
      this.raise(domid, record, channel, port as Port)
    }
  }

  /** The two-level ABI again, with no port open: the guest's pages are its own. */
  chooseTwoLevel(record: number): void {
    if (!this.#isFifo(record)) return
    this.#queues.of(record).destroy()
    this.#xen.domains.set(record, domainRecord.eventAbi, EventAbiNumber.TwoLevel)
  }

  #setPending(record: number, channel: number, port: Port, vcpu: number): boolean {
    if (!this.#isFifo(record)) return setPending(this.#sharedInfo(record), vcpu, port, this.#twoLevel(record))
    const queues = this.#queues.of(record)
    if (queues.arrayPage(port) !== undefined)
      return setFifoPending(queues, port, vcpu, this.#words[channel + channelRecord.priority]!)
    this.#words[channel + channelRecord.pending] = 1
    return false
  }

  #unmask(record: number, channel: number, port: Port, vcpu: number): boolean {
    if (!this.#isFifo(record)) return unmaskPort(this.#sharedInfo(record), vcpu, port, this.#twoLevel(record))
    return unmaskFifoPort(this.#queues.of(record), port, vcpu, this.#words[channel + channelRecord.priority]!)
  }

  #wakePollers(domid: Domid, pollers: number): void {
    for (let vcpu = 0; vcpu < 32; vcpu++) if ((pollers & (1 << vcpu)) !== 0) this.#xen.wakeLater(domid, vcpu)
  }

  #bit(record: number, port: Port, from: number): boolean {
    return (this.#sharedInfo(record).loadOrdered(from + (port >> 5)) & (1 << (port & 31))) !== 0
  }

  #isFifo(record: number): boolean {
    return this.#xen.domains.get(record, domainRecord.eventAbi) === EventAbiNumber.Fifo
  }

  #twoLevel(record: number) {
    return this.#xen.domains.twoLevelWords(record)
  }

  #sharedInfo(record: number) {
    return this.#xen.memory.frame(this.#xen.domains.get(record, domainRecord.sharedInfo))
  }
}
