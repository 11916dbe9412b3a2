import { PAGE_BYTES, ShutdownReason, XenError } from '@split-driver/abi'
import type { Timer } from '@split-driver/platform'
import type { DeviceOptions, XenStore } from '@split-driver/xenbus'
import { DOMID_XEN } from '../hypervisor/hypervisor.js'
import { domainRecord } from '../hypervisor/machine-layout.js'
import type { Machine } from '../machine.js'
import type { ExitReport } from '../program/vcpu.js'
import type { ShutdownReasonName } from './domain-lifecycle.js'
import { uuidOf } from './domain-listing.js'
import type { KeptDomain } from './kept-domain.js'
import { actionFor, reasonName, stepsOf } from './shutdown-policy.js'
import type { GuestPlan, Toolstack } from './toolstack.js'

/** How long a domain's code has to come to its end by itself once the domain has stopped. */
const EXIT_MILLISECONDS = 1_000

/** Carries out what the configuration says of a domain that stopped by itself. */
export class DomainSettlement {
  readonly #machine: Machine
  readonly #store: XenStore
  readonly #toolstack: Toolstack
  readonly #leaving = new Map<KeptDomain, Timer>()
  readonly #underWay = new Set<Promise<void>>()
  #stopped = false

  constructor(machine: Machine, store: XenStore, toolstack: Toolstack) {
    this.#machine = machine
    this.#store = store
    this.#toolstack = toolstack
  }

  /** A domain's program has ended; the domain stops with it, unless it has before. */
  exited(kept: KeptDomain, report: ExitReport): void {
    kept.hasExited = true
    if (report.how === 'killed') return
    if (report.how === 'crashed') kept.error = report.error
    const reason = report.how === 'crashed' ? 'crash' : (report.reason ?? 'poweroff')
    try {
      this.#machine.calls.lifecycle.shutdown(DOMID_XEN, kept.domid, ShutdownReason[reason])
    } catch (error) {
      if (!XenError.is(error, 'ESRCH')) throw error
    }
    this.look([kept])
  }

  /** Some of these may have stopped. */
  look(domains: readonly KeptDomain[]): void {
    for (const kept of domains) {
      if (this.#stopped || kept.isSettled || kept.destruction) continue
      const { shutdown } = this.#machine.calls.lifecycle.standing(kept.domid)
      if (shutdown === undefined) continue
      if (shutdown === ShutdownReason.suspend) kept.tellStopped()
      else if (!kept.vcpu || kept.hasExited) this.#begin(kept, reasonName(shutdown))
      else this.#waitForExit(kept, reasonName(shutdown))
    }
  }

  /** Its code may have more to say, how it crashed for one; but it cannot be waited for without end. */
  #waitForExit(kept: KeptDomain, reason: ShutdownReasonName): void {
    if (this.#leaving.has(kept)) return
    const giveUp = () => this.#begin(kept, reason)
    this.#leaving.set(kept, this.#machine.clock.setTimer(EXIT_MILLISECONDS, giveUp))
  }

  /** Begins no more; fulfilled when what has begun is done. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const timer of this.#leaving.values()) timer.cancel()
    this.#leaving.clear()
    await Promise.all(this.#underWay)
  }

  #begin(kept: KeptDomain, reason: ShutdownReasonName): void {
    if (this.#stopped || kept.isSettled || kept.destruction) return
    const settling = this.#settle(kept, reason)
    this.#underWay.add(settling)
    void settling.finally(() => this.#underWay.delete(settling))
  }

  async #settle(kept: KeptDomain, reason: ShutdownReasonName): Promise<void> {
    this.#leaving.get(kept)?.cancel()
    this.#leaving.delete(kept)
    kept.isSettled = true
    const { domid, name } = kept
    const { events } = this.#toolstack
    kept.tellStopped()
    events.emit('shutdown', kept.describeEnd(reason))
    try {
      await this.#carryOut(kept, reason)
    } catch (error) {
      events.emit('policyFailed', { domid, name, error: error instanceof Error ? error : new Error(String(error)) })
    }
    kept.end(reason)
  }

  async #carryOut(kept: KeptDomain, reason: ShutdownReasonName): Promise<void> {
    const action = actionFor(reason, kept.plan)
    if (!action) return
    const { coredump, remains, restarts } = stepsOf(action)
    if (coredump) this.#dump(kept, reason)
    const plan = { ...kept.plan, name: kept.name, paused: false }
    const devices = restarts ? await this.#devicesOf(kept) : []
    if (remains === 'destroyed') await this.#toolstack.destroy(kept.domid)
    if (remains === 'renamed') await this.#setAside(kept)
    if (restarts) await this.#restart(kept, plan, devices)
  }

  #dump({ domid, name }: KeptDomain, reason: ShutdownReasonName): void {
    const { xen, memory } = this.#machine
    const record = xen.domains.record(domid)
    const first = xen.domains.get(record, domainRecord.memory) * PAGE_BYTES
    const length = xen.domains.get(record, domainRecord.memoryFrames) * PAGE_BYTES
    const copy = new Uint8Array(length)
    copy.set(memory.bytes.subarray(first, first + length))
    this.#toolstack.events.emit('coredump', { domid, name, reason, memory: copy })
  }

  /** Those that nobody has taken away meanwhile. */
  async #devicesOf(kept: KeptDomain): Promise<DeviceOptions[]> {
    const devices: DeviceOptions[] = []
    for (const [device, options] of kept.devices)
      if ((await this.#store.tryRead(device.backendPath)) !== undefined) devices.push(options)
    return devices
  }

  /** Makes room for the successor: name and UUID become free. */
  async #setAside(kept: KeptDomain): Promise<void> {
    await this.#toolstack.rename(kept.domid, `${kept.name}-${kept.domid}`)
    if (kept.uuid === uuidOf(kept.domid)) return
    const [before, after] = [kept.uuid, uuidOf(kept.domid)]
    kept.uuid = after
    await this.#store.transaction(async (t) => {
      await t.mkdir(`/vm/${after}`)
      await t.setPermissions(`/vm/${after}`, await t.getPermissions(`/vm/${before}`))
      await t.write(`/vm/${after}/name`, kept.name)
      await t.write(`/vm/${after}/uuid`, after)
      await t.write(`/local/domain/${kept.domid}/vm`, `/vm/${after}`)
      await t.rm(`/vm/${before}`)
    })
  }

  async #restart(kept: KeptDomain, plan: GuestPlan, devices: readonly DeviceOptions[]): Promise<void> {
    // A program that ends as soon as it begins must not keep the rest of this thread from running.
    await new Promise<void>((resolve) => this.#machine.clock.setTimer(0, resolve))
    const guest = await this.#toolstack.create(plan)
    for (const device of devices) await this.#toolstack.attachDevice(guest, device)
    if (kept.launch) {
      const { program, options } = kept.launch
      const { transfer: _, ...kind } = options
      this.#toolstack.start(guest, program, { ...kind, ...options.renewArgument?.() })
    }
    this.#toolstack.events.emit('restarted', { domid: guest.domid, name: guest.name, previous: kept.domid })
  }
}
