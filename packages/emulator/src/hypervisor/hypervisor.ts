import { type Domid, XenError } from '@split-driver/abi'
import type { MachineMemory } from '../memory/machine-memory.js'
import type { Wakeups } from '../wakeups/wakeups.js'
import { DomainTable } from './domain-table.js'
import { FrameTable } from './frame-table.js'
import { DomainState, domainRecord, growingTables } from './machine-layout.js'
import { MachineLock } from './machine-lock.js'
import { PagedTable } from './paged-table.js'
import { VcpuTable } from './vcpu-table.js'

/** The hypervisor itself as a caller: it may do anything, and cannot die. @see xen.h DOMID_XEN */
export const DOMID_XEN = 0x7ff2 as Domid

/** A domain's tables that grow; one object for those of all domains. */
export type GrowingTables = Readonly<Record<keyof typeof growingTables, PagedTable>>

/** Vcpus that one hypercall wakes at its end; further ones it wakes at once. */
const MOST_WAKES = 32

/** What every group of hypercalls stands on: the tables, the lock around them, and the way to wake a vcpu. */
export class Hypervisor {
  readonly memory: MachineMemory
  readonly domains: DomainTable
  readonly frames: FrameTable
  readonly vcpus: VcpuTable
  readonly tables: GrowingTables
  readonly wakeups: Wakeups
  /**
   * Hypercalls of a domain that is held (paused, or shut down) wait until it runs again. Only for a thread that runs nothing
   * but that domain; elsewhere they are made all the same.
   */
  waitsWhileHeld = false
  readonly #lock: MachineLock
  readonly #wakeDomids = new Int32Array(MOST_WAKES)
  readonly #wakeVcpus = new Int32Array(MOST_WAKES)
  #wakeCount = 0

  constructor(memory: MachineMemory, wakeups: Wakeups) {
    this.memory = memory
    this.wakeups = wakeups
    this.domains = new DomainTable(memory)
    this.frames = new FrameTable(memory)
    this.vcpus = new VcpuTable(memory, this.domains)
    const table = (shape: keyof typeof growingTables) =>
      new PagedTable(memory, this.domains, this.frames, growingTables[shape])
    this.tables = {
      events: table('events'),
      grants: table('grants'),
      active: table('active'),
      statuses: table('statuses'),
      maptrack: table('maptrack'),
    }
    this.#lock = new MachineLock(memory.words)
  }

  /**
   * Begins a hypercall; `leave` must follow in a `finally`.
   * @throws XenError ESRCH, with the lock free, if the caller is being destroyed
   */
  enter(caller: Domid): void {
    for (;;) {
      this.#lock.acquire(caller)
      if (caller === DOMID_XEN) return
      const record = this.domains.find(caller)
      const alive = record >= 0 && this.domains.get(record, domainRecord.state) < DomainState.Dying
      const holds = alive && this.waitsWhileHeld ? this.domains.get(record, domainRecord.holds) : 0
      if (alive && holds === 0) return
      this.#lock.release()
      if (!alive) throw new XenError('ESRCH', `domain ${caller} is no more`, { detail: { domid: caller } })
      Atomics.wait(this.memory.words, record + domainRecord.holds, holds)
    }
  }

  isPrivileged(caller: Domid): boolean {
    return caller === DOMID_XEN || this.domains.isPrivileged(caller)
  }

  leave(): void {
    this.#lock.release()
    while (this.#wakeCount > 0) {
      const last = --this.#wakeCount
      this.wakeups.signal(this.#wakeDomids[last] as Domid, this.#wakeVcpus[last]!, this.domains)
    }
  }

  /** Wakes a vcpu when the hypercall under way leaves: who is woken under the lock would only wait for it. */
  wakeLater(domid: Domid, vcpu: number): void {
    if (this.#wakeCount === MOST_WAKES) {
      this.wakeups.signal(domid, vcpu, this.domains)
      return
    }
    this.#wakeDomids[this.#wakeCount] = domid
    this.#wakeVcpus[this.#wakeCount++] = vcpu
  }

  /** In the middle of something long that the hypervisor itself does, and that may be interrupted here: others first. */
  yieldLock(): void {
    this.#lock.release()
    this.#lock.acquire(DOMID_XEN)
  }

  /**
   * A dying domain's frames go back to the machine, once nobody has any of them mapped. The caller holds the lock, has
   * closed its ports and ended its mappings.
   */
  bury(domid: Domid): void {
    const { domains, frames } = this
    const record = domains.record(domid)
    for (const table of Object.values(this.tables)) table.free(record)
    frames.free(domains.get(record, domainRecord.firstFrame), domains.get(record, domainRecord.frameCount))
    domains.set(record, domainRecord.state, DomainState.Free)
  }

  /** Frames that a domain costs the machine. The caller holds the lock. */
  framesOf(domid: Domid): number {
    const record = this.domains.record(domid)
    const fixed = this.domains.get(record, domainRecord.frameCount)
    return Object.values(this.tables).reduce((sum, table) => sum + table.frameCount(record), fixed)
  }

  /** For the undertaker: frees the lock that a killed thread of `dead`, in state `Dying`, may have left taken. */
  releaseLockOf(dead: Domid): void {
    this.#lock.releaseIfHeldBy(dead)
  }
}
