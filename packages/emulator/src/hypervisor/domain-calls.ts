import { DOM0, type Domid, PAGE_WORDS, VIRQ, XenError } from '@split-driver/abi'
import { GRANT_RESERVED_ENTRIES } from '@split-driver/grant'
import type { EventChannelCalls } from './event-channel-calls.js'
import type { GrantCalls } from './grant-calls.js'
import { DOMID_XEN, type Hypervisor } from './hypervisor.js'
import {
  DomainFlag,
  DomainState,
  domainRecord,
  FIFO_PORTS,
  FrameOwner,
  GRANT_FRAMES_CEILING,
  MAPTRACK_FRAMES_CEILING,
  MAX_VCPUS,
  VCPUS_PER_FRAME,
  vcpuRecord,
  type WordBits,
} from './machine-layout.js'

/** What a domain is given, and how far it may grow. */
export interface DomainSize {
  /** Pages of the domain's own memory. Default 1024 (4 MiB). */
  readonly memoryPages?: number
  /** Virtual CPUs, 1 … 32. Default 1. */
  readonly vcpus?: number
  /** Ports up to this number can be open, 1 … 131,071 (the default); the two-level ABI ends at 4,095, or 1,023 for 32 bits. */
  readonly maxEventChannels?: number
  /** Frames that its grant table may grow to, 512 grants of version 1 each; 1 … 256. Default 64, as Xen's. */
  readonly maxGrantFrames?: number
  /** Frames that its maptrack table may grow to, 256 mappings each; 1 … 1024 (the default, as Xen's). */
  readonly maxMaptrackFrames?: number
  /** Width of the guest's longs, by which its shared-info and start-of-day page are laid out. Default 64. */
  readonly wordBits?: WordBits
}

const inRange = (name: string, value: number, least: number, most: number): number => {
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new RangeError(`${name} must be an integer from ${least} to ${most}, not ${value}`)
}

const judgedWidth = (wordBits: WordBits): WordBits => {
  if (wordBits === 32 || wordBits === 64) return wordBits
  throw new RangeError(`wordBits must be 32 or 64, not ${wordBits}`)
}

const judged = (size: DomainSize): Required<DomainSize> => ({
  memoryPages: inRange('memoryPages', size.memoryPages ?? 1024, 8, 0x10_0000),
  vcpus: inRange('vcpus', size.vcpus ?? 1, 1, MAX_VCPUS),
  maxEventChannels: inRange('maxEventChannels', size.maxEventChannels ?? FIFO_PORTS - 1, 1, FIFO_PORTS - 1),
  maxGrantFrames: inRange('maxGrantFrames', size.maxGrantFrames ?? 64, 1, GRANT_FRAMES_CEILING),
  maxMaptrackFrames: inRange('maxMaptrackFrames', size.maxMaptrackFrames ?? 1024, 1, MAPTRACK_FRAMES_CEILING),
  wordBits: judgedWidth(size.wordBits ?? 64),
})

/** The entries of version 1 that are kept for the start of day. */
const RESERVED_WORDS = GRANT_RESERVED_ENTRIES * 2

/** Building and ending domains. @see xen/include/public/domctl.h XEN_DOMCTL_createdomain, _destroydomain */
export class DomainCalls {
  readonly #xen: Hypervisor
  readonly #channels: EventChannelCalls
  readonly #grants: GrantCalls

  constructor(xen: Hypervisor, channels: EventChannelCalls, grants: GrantCalls) {
    this.#xen = xen
    this.#channels = channels
    this.#grants = grants
  }

  /** Takes what a domain needs from the first; its tables grow later. @throws XenError ENOMEM ENOSPC; RangeError */
  create(size: DomainSize, privileged: boolean): Domid {
    const judgedSize = judged(size)
    const { domains } = this.#xen
    this.#xen.enter(DOMID_XEN)
    try {
      const domid = domains.claim()
      const record = domains.record(domid)
      this.#allocate(domid, record, judgedSize)
      const width = judgedSize.wordBits === 32 ? DomainFlag.Width32 : 0
      domains.set(record, domainRecord.flags, width | (privileged ? DomainFlag.Privileged : 0))
      domains.set(record, domainRecord.vcpuCount, judgedSize.vcpus)
      domains.set(record, domainRecord.eventLimit, judgedSize.maxEventChannels)
      domains.set(record, domainRecord.eventFreeHint, 1)
      domains.set(record, domainRecord.maxGrantFrames, judgedSize.maxGrantFrames)
      domains.set(record, domainRecord.maxMaptrackFrames, judgedSize.maxMaptrackFrames)
      domains.set(record, domainRecord.grantVersion, 1)
      this.#xen.vcpus.set(record, 0, vcpuRecord.isUp, 1)
      domains.set(record, domainRecord.state, DomainState.Running)
      return domid
    } finally {
      this.#xen.leave()
    }
  }

  /**
   * From now on every hypercall of `domid` fails with ESRCH, and nobody can map its pages any more. Its vcpu must be
   * stopped next, then `reap` takes the rest. @throws XenError ESRCH
   */
  kill(domid: Domid): void {
    const { domains, memory } = this.#xen
    this.#xen.enter(DOMID_XEN)
    try {
      const record = domains.record(domid)
      domains.set(record, domainRecord.state, DomainState.Dying)
      // Hypercalls that wait for it to be unpaused fail now.
      Atomics.notify(memory.words, record + domainRecord.holds)
    } finally {
      this.#xen.leave()
    }
  }

  /**
   * Takes back all that a killed domain held. Its memory follows as soon as no other domain has any of it mapped: until
   * then the domain stays on the list as dying, as on real Xen.
   */
  reap(domid: Domid): void {
    const { domains } = this.#xen
    this.#xen.releaseLockOf(domid)
    this.#xen.enter(DOMID_XEN)
    try {
      this.#channels.closeAll(domid)
      this.#grants.unmapAll(domid)
      if (this.#grants.pinnedCount(domid) === 0) this.#xen.bury(domid)
      else domains.set(domains.record(domid), domainRecord.state, DomainState.Zombie)
    } finally {
      this.#xen.leave()
    }
    this.#channels.raiseVirq(DOMID_XEN, DOM0, VIRQ.DomExc)
  }

  /**
   * Closes and ends all that a domain has open, and empties its grant table but for the entries of the start of day, as if it
   * had just been built. Its memory stays. It must be held, and nobody may have pages of its own mapped.
   */
  renew(domid: Domid): void {
    const { domains, memory, tables } = this.#xen
    this.#grants.setVersion(domid, 1)
    this.#xen.enter(DOMID_XEN)
    try {
      const record = domains.record(domid)
      this.#channels.closeAll(domid)
      this.#grants.unmapAll(domid)
      for (let slot = 0; slot < domains.get(record, domainRecord.grantFrames); slot++) {
        const first = tables.grants.frameAt(record, slot) * PAGE_WORDS
        memory.words.fill(0, first + (slot === 0 ? RESERVED_WORDS : 0), first + PAGE_WORDS)
      }
      const sharedInfo = domains.get(record, domainRecord.sharedInfo) * PAGE_WORDS
      memory.words.fill(0, sharedInfo, sharedInfo + PAGE_WORDS)
    } finally {
      this.#xen.leave()
    }
  }

  /** Its fixed tables and its own memory, side by side, and the first frame of its grant table. */
  #allocate(domid: Domid, record: number, { memoryPages, vcpus }: Required<DomainSize>): void {
    const { domains, frames, tables } = this.#xen
    const fixed = [
      [domainRecord.sharedInfo, 1],
      [domainRecord.vcpuTable, Math.ceil(vcpus / VCPUS_PER_FRAME)],
      [domainRecord.eventDirectory, 1],
      [domainRecord.tableDirectory, 1],
      [domainRecord.maptrackDirectory, 1],
    ] as const
    const frameCount = fixed.reduce((sum, [, count]) => sum + count, memoryPages)
    try {
      let next = frames.allocate(frameCount, FrameOwner.Hypervisor)
      domains.set(record, domainRecord.firstFrame, next)
      domains.set(record, domainRecord.frameCount, frameCount)
      for (const [field, count] of fixed) {
        domains.set(record, field, next)
        next += count
      }
      frames.assign(next, memoryPages, FrameOwner.firstDomain + domid)
      domains.set(record, domainRecord.memory, next)
      domains.set(record, domainRecord.memoryFrames, memoryPages)
      if (tables.grants.ensure(record, 0) < 0)
        throw new XenError('ENOMEM', 'the machine has no frame for a grant table')
    } catch (error) {
      if (domains.get(record, domainRecord.frameCount) > 0) this.#xen.bury(domid)
      else domains.set(record, domainRecord.state, DomainState.Free)
      throw error
    }
  }
}
