import { DOM0, type Domid, type ShutdownReason, VIRQ, XenError } from '@split-driver/abi'
import type { DomainExceptions } from '../toolstack/domain-exceptions.js'
import type { EventChannelCalls } from './event-channel-calls.js'
import { DOMID_XEN, type Hypervisor } from './hypervisor.js'
import { DomainState, domainRecord, vcpuRecord } from './machine-layout.js'

/** What the hypervisor knows of a domain's life. @see xen/include/public/domctl.h xen_domctl_getdomaininfo */
export interface DomainStanding {
  readonly dying: boolean
  /** How often it is paused. */
  readonly pauses: number
  /** SHUTDOWN_*; `undefined` while it has not shut down. */
  readonly shutdown: ShutdownReason | undefined
  readonly memoryFrames: number
  readonly vcpus: number
}

/**
 * A domain between its start and its end. Neither a paused domain nor one that has shut down runs: the hypervisor holds its
 * vcpus.
 */
export class LifecycleCalls {
  readonly #xen: Hypervisor
  readonly #channels: EventChannelCalls
  readonly #exceptions: DomainExceptions

  constructor(xen: Hypervisor, channels: EventChannelCalls, exceptions: DomainExceptions) {
    this.#xen = xen
    this.#channels = channels
    this.#exceptions = exceptions
  }

  /** XEN_DOMCTL_pausedomain. Nests. @throws XenError ESRCH; EPERM for all but the control domain; EINVAL for itself */
  pause(caller: Domid, domid: Domid): void {
    this.#change(caller, domid, (record) => {
      if (caller === domid) throw new XenError('EINVAL', `domain ${domid} cannot pause itself`, { detail: { domid } })
      this.#hold(record, 1)
    })
  }

  /** XEN_DOMCTL_unpausedomain. @throws XenError ESRCH; EPERM; EINVAL if it is not paused */
  unpause(caller: Domid, domid: Domid): void {
    this.#change(caller, domid, (record) => {
      if (this.#pauses(record) === 0)
        throw new XenError('EINVAL', `domain ${domid} is not paused`, { detail: { domid } })
      this.#release(domid, record)
    })
  }

  /**
   * SCHEDOP_shutdown, and SCHEDOP_remote_shutdown of the control domain. The first reason counts. Tells the control domain by
   * VIRQ_DOM_EXC. @throws XenError ESRCH; EPERM for another domain without privilege; EINVAL for no reason of sched.h's
   */
  shutdown(caller: Domid, domid: Domid, reason: ShutdownReason): void {
    if (!Number.isInteger(reason) || reason < 0 || reason > MAX_REASON)
      throw new XenError('EINVAL', `${reason} is no reason to shut down`, { detail: { reason } })
    const { domains } = this.#xen
    const first = this.#change(caller, domid, (record) => {
      if (domains.get(record, domainRecord.shutdownCode) !== 0) return false
      domains.set(record, domainRecord.shutdownCode, reason + 1)
      this.#hold(record, 1)
      return true
    })
    if (!first) return
    this.#channels.raiseVirq(DOMID_XEN, DOM0, VIRQ.DomExc)
    this.#exceptions.raise()
  }

  /**
   * XEN_DOMCTL_resumedomain: one that has shut down goes on.
   * @param renewed whether its caller set all anew: what SCHEDOP_shutdown answers by 0, and by 1 if not
   * @throws XenError ESRCH; EPERM; EINVAL if it has not shut down
   */
  resume(caller: Domid, domid: Domid, renewed: boolean): void {
    const { domains } = this.#xen
    this.#change(caller, domid, (record) => {
      if (domains.get(record, domainRecord.shutdownCode) === 0)
        throw new XenError('EINVAL', `domain ${domid} has not shut down`, { detail: { domid } })
      domains.set(record, domainRecord.shutdownCode, 0)
      domains.set(record, domainRecord.renewed, renewed ? 1 : 0)
      this.#release(domid, record)
    })
  }

  /** How the caller went on after its last suspension. @throws XenError ESRCH */
  wasRenewed(caller: Domid): boolean {
    const xen = this.#xen
    xen.enter(caller)
    try {
      return xen.domains.get(xen.domains.record(caller), domainRecord.renewed) === 1
    } finally {
      xen.leave()
    }
  }

  /** @throws XenError ESRCH */
  standing(domid: Domid): DomainStanding {
    const xen = this.#xen
    xen.enter(DOMID_XEN)
    try {
      const record = xen.domains.record(domid)
      const code = xen.domains.get(record, domainRecord.shutdownCode)
      return {
        dying: xen.domains.get(record, domainRecord.state) >= DomainState.Dying,
        pauses: this.#pauses(record),
        shutdown: code === 0 ? undefined : ((code - 1) as ShutdownReason),
        memoryFrames: xen.domains.get(record, domainRecord.memoryFrames),
        vcpus: xen.domains.get(record, domainRecord.vcpuCount),
      }
    } finally {
      xen.leave()
    }
  }

  /** VCPUOP_is_up. @throws XenError ESRCH; ENOENT for a vcpu that the domain does not have */
  isVcpuUp(domid: Domid, vcpu: number): boolean {
    const xen = this.#xen
    xen.enter(DOMID_XEN)
    try {
      return xen.vcpus.get(this.#vcpuOwner(domid, vcpu), vcpu, vcpuRecord.isUp) === 1
    } finally {
      xen.leave()
    }
  }

  /** VCPUOP_up, VCPUOP_down. The first vcpu is up from the start. @throws XenError ESRCH; ENOENT */
  setVcpuUp(caller: Domid, vcpu: number, up: boolean): void {
    const xen = this.#xen
    xen.enter(caller)
    try {
      xen.vcpus.set(this.#vcpuOwner(caller, vcpu), vcpu, vcpuRecord.isUp, up ? 1 : 0)
      if (up) xen.wakeups.signal(caller, vcpu, xen.domains)
    } finally {
      xen.leave()
    }
  }

  #vcpuOwner(domid: Domid, vcpu: number): number {
    const record = this.#xen.domains.record(domid)
    if (this.#xen.vcpus.has(record, vcpu)) return record
    throw new XenError('ENOENT', `domain ${domid} has no vcpu ${vcpu}`, { detail: { domid, vcpu } })
  }

  #change<Result>(caller: Domid, domid: Domid, change: (record: number) => Result): Result {
    const xen = this.#xen
    xen.enter(caller)
    try {
      const record = xen.domains.record(domid)
      if (caller !== domid && !xen.isPrivileged(caller))
        throw new XenError('EPERM', `domain ${caller} may not do that to domain ${domid}`, { detail: { domid } })
      if (xen.domains.get(record, domainRecord.state) >= DomainState.Dying)
        throw new XenError('ESRCH', `domain ${domid} is no more`, { detail: { domid } })
      return change(record)
    } finally {
      xen.leave()
    }
  }

  #pauses(record: number): number {
    const { domains } = this.#xen
    const isShutDown = domains.get(record, domainRecord.shutdownCode) !== 0
    return domains.get(record, domainRecord.holds) - (isShutDown ? 1 : 0)
  }

  #hold(record: number, by: number): void {
    Atomics.add(this.#xen.memory.words, record + domainRecord.holds, by)
  }

  /** One hold less; whoever waits for the last one to go is woken, and so are the vcpus, for events that came meanwhile. */
  #release(domid: Domid, record: number): void {
    const { memory, wakeups, domains } = this.#xen
    const word = record + domainRecord.holds
    if (Atomics.sub(memory.words, word, 1) > 1) return
    Atomics.notify(memory.words, word)
    for (let vcpu = 0; vcpu < domains.get(record, domainRecord.vcpuCount); vcpu++) wakeups.signal(domid, vcpu, domains)
  }
}

/** @see sched.h SHUTDOWN_MAX */
const MAX_REASON = 5
