import { DOM0, type Domid, VIRQ } from '@split-driver/abi'
import type { EventChannelCalls } from './event-channel-calls.js'
import type { GrantCalls } from './grant-calls.js'
import { DOMID_XEN, type Hypervisor } from './hypervisor.js'
import {
  ACTIVE_FRAMES_PER_GRANT_FRAME,
  DomainFlag,
  DomainState,
  domainRecord,
  EVENT_TABLE_FRAMES,
  FrameOwner,
} from './machine-layout.js'

export interface DomainSize {
  /** Pages of the domain's own memory. Default 1024 (4 MiB). */
  readonly memoryPages?: number
  /** Frames of its v1 grant table, 512 grants each. Default 32; Xen's own limit is 64. */
  readonly grantFrames?: number
  /** Frames of its maptrack table, 256 mappings each. Default 64; Xen's own limit is 1024. */
  readonly maptrackFrames?: number
}

const inRange = (name: string, value: number, least: number, most: number): void => {
  if (Number.isInteger(value) && value >= least && value <= most) return
  throw new RangeError(`${name} must be an integer from ${least} to ${most}, not ${value}`)
}

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

  /** All the frames that a domain needs, side by side. @throws XenError ENOMEM ENOSPC; RangeError */
  create(size: DomainSize, privileged: boolean): Domid {
    const { memoryPages = 1024, grantFrames = 32, maptrackFrames = 64 } = size
    inRange('memoryPages', memoryPages, 8, 0x10_0000)
    inRange('grantFrames', grantFrames, 1, 64)
    inRange('maptrackFrames', maptrackFrames, 1, 1024)
    const { domains, frames } = this.#xen
    const tables = {
      sharedInfo: 1,
      eventTable: EVENT_TABLE_FRAMES,
      grantTable: grantFrames,
      activeTable: grantFrames * ACTIVE_FRAMES_PER_GRANT_FRAME,
      maptrack: maptrackFrames,
    }
    const tableFrames = Object.values(tables).reduce((sum, count) => sum + count, 0)
    this.#xen.enter(DOMID_XEN)
    try {
      const domid = domains.claim()
      const record = domains.record(domid)
      let next = this.#allocate(domid, tableFrames + memoryPages)
      domains.set(record, domainRecord.firstFrame, next)
      domains.set(record, domainRecord.frameCount, tableFrames + memoryPages)
      for (const [table, count] of Object.entries(tables)) {
        domains.set(record, domainRecord[table as keyof typeof tables], next)
        next += count
      }
      frames.assign(next, memoryPages, FrameOwner.firstDomain + domid)
      domains.set(record, domainRecord.memory, next)
      domains.set(record, domainRecord.memoryFrames, memoryPages)
      domains.set(record, domainRecord.grantFrames, grantFrames)
      domains.set(record, domainRecord.maptrackFrames, maptrackFrames)
      domains.set(record, domainRecord.flags, privileged ? DomainFlag.Privileged : 0)
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
    const { domains } = this.#xen
    this.#xen.enter(DOMID_XEN)
    try {
      domains.set(domains.record(domid), domainRecord.state, DomainState.Dying)
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

  #allocate(domid: Domid, count: number): number {
    const { domains, frames } = this.#xen
    try {
      return frames.allocate(count, FrameOwner.Hypervisor)
    } catch (error) {
      domains.set(domains.record(domid), domainRecord.state, DomainState.Free)
      throw error
    }
  }
}
