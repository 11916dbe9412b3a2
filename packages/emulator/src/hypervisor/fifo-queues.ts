import {
  type Domid,
  EVTCHN_FIFO_QUEUES,
  EventWord,
  FifoControlBlock,
  PAGE_BYTES,
  PAGE_WORDS,
  type Port,
  type SharedMemory,
  XenError,
} from '@split-driver/abi'
import { EVENT_WORDS_PER_PAGE, type FifoDomain } from '@split-driver/evtchn'
import type { Hypervisor } from './hypervisor.js'
import { channelRecord, domainRecord, FIFO_ARRAY_AT, FIFO_PORTS, vcpuRecord } from './machine-layout.js'

/** A control block lies on a multiple of this many bytes, within one page. @see EVTCHNOP_init_control */
const CONTROL_ALIGNMENT = 8

/**
 * One domain's FIFO queues, as the hypervisor keeps them in its own tables: which domain, `of` says before each use. The
 * pages are the guest's own, which were judged when it named them. Callers hold the machine's lock.
 */
export class FifoQueues implements FifoDomain {
  readonly #xen: Hypervisor
  readonly #words: Int32Array
  #record = 0

  constructor(xen: Hypervisor) {
    this.#xen = xen
    this.#words = xen.memory.words
  }

  of(record: number): this {
    this.#record = record
    return this
  }

  arrayPage(port: number): SharedMemory | undefined {
    const { domains, memory } = this.#xen
    const slot = Math.floor(port / EVENT_WORDS_PER_PAGE)
    if (slot >= domains.get(this.#record, domainRecord.fifoPages)) return undefined
    return memory.frame(this.#words[this.#arrayEntry(slot)]!)
  }

  controlPage(vcpu: number): SharedMemory | undefined {
    const frame = this.#xen.vcpus.get(this.#record, vcpu, vcpuRecord.fifoFrame)
    return frame === 0 ? undefined : this.#xen.memory.frame(frame)
  }

  controlWord(vcpu: number): number {
    return this.#xen.vcpus.get(this.#record, vcpu, vcpuRecord.fifoWord)
  }

  tail(queue: number): number {
    return this.#xen.vcpus.get(this.#record, Math.floor(queue / EVTCHN_FIFO_QUEUES), tailField(queue))
  }

  setTail(queue: number, port: number): void {
    this.#xen.vcpus.set(this.#record, Math.floor(queue / EVTCHN_FIFO_QUEUES), tailField(queue), port)
  }

  lastQueue(port: number): number {
    return this.#words[this.#xen.tables.events.wordOf(this.#record, port) + channelRecord.lastQueue]!
  }

  setLastQueue(port: number, queue: number): void {
    this.#words[this.#xen.tables.events.wordOf(this.#record, port) + channelRecord.lastQueue] = queue
  }

  raiseUpcall(vcpu: number): boolean {
    const { domains, memory } = this.#xen
    const sharedInfo = memory.frame(domains.get(this.#record, domainRecord.sharedInfo))
    return sharedInfo.exchange8(domains.twoLevelWords(this.#record).upcallPendingByte(vcpu), 1) === 0
  }

  isPending(port: Port): boolean {
    return (this.#eventWord(port) & EventWord.Pending) !== 0
  }

  /** What has no word yet lets nothing through. */
  isMasked(port: Port): boolean {
    return this.arrayPage(port) === undefined || (this.#eventWord(port) & EventWord.Masked) !== 0
  }

  /** @throws XenError EINVAL: not within one page, not aligned, or none of the domain's; or the vcpu has one already */
  setControl(domid: Domid, vcpu: number, frame: number, offset: number): void {
    if (offset > PAGE_BYTES - FifoControlBlock.bytes || offset % CONTROL_ALIGNMENT !== 0 || offset >>> 0 !== offset)
      throw new XenError('EINVAL', `no control block can lie at byte ${offset} of a page`, { detail: { offset } })
    if (this.controlPage(vcpu) !== undefined)
      throw new XenError('EINVAL', `vcpu ${vcpu} has a control block already`, { detail: { vcpu } })
    this.#assertOwned(domid, frame)
    this.#xen.vcpus.set(this.#record, vcpu, vcpuRecord.fifoFrame, frame)
    this.#xen.vcpus.set(this.#record, vcpu, vcpuRecord.fifoWord, offset / 4)
  }

  /** @returns the first port that has a word now. @throws XenError ENOSPC if all have; EINVAL for a page of others */
  addArrayPage(domid: Domid, frame: number): number {
    const { domains } = this.#xen
    const slot = domains.get(this.#record, domainRecord.fifoPages)
    if (slot >= FIFO_PORTS / EVENT_WORDS_PER_PAGE)
      throw new XenError('ENOSPC', 'the event array has all of its pages', { detail: { frame } })
    this.#assertOwned(domid, frame)
    this.#words[this.#arrayEntry(slot)] = frame
    domains.set(this.#record, domainRecord.fifoPages, slot + 1)
    return slot * EVENT_WORDS_PER_PAGE
  }

  /** The frame of each page of the array. */
  arrayFrame(slot: number): number {
    return slot < this.#xen.domains.get(this.#record, domainRecord.fifoPages) ? this.#words[this.#arrayEntry(slot)]! : 0
  }

  /** The guest's pages are its own again. */
  destroy(): void {
    const { domains, vcpus } = this.#xen
    domains.set(this.#record, domainRecord.fifoPages, 0)
    for (let vcpu = 0; vcpu < domains.get(this.#record, domainRecord.vcpuCount); vcpu++)
      for (let field: number = vcpuRecord.fifoFrame; field < vcpuRecord.fifoTail + EVTCHN_FIFO_QUEUES; field++)
        vcpus.set(this.#record, vcpu, field, 0)
  }

  #eventWord(port: Port): number {
    return this.arrayPage(port)?.loadOrdered(port % EVENT_WORDS_PER_PAGE) ?? 0
  }

  #arrayEntry(slot: number): number {
    return this.#xen.domains.get(this.#record, domainRecord.tableDirectory) * PAGE_WORDS + FIFO_ARRAY_AT + slot
  }

  #assertOwned(domid: Domid, frame: number): void {
    if (this.#xen.frames.isOwnedBy(frame, domid)) return
    throw new XenError('EINVAL', `frame ${frame} is no page of domain ${domid}`, { detail: { frame } })
  }
}

const tailField = (queue: number): number => vcpuRecord.fifoTail + (queue % EVTCHN_FIFO_QUEUES)
