import { DOM0, type Domid, XenError } from '@split-driver/abi'
import {
  type AttachedDevice,
  type DeviceOptions,
  removeIfThere,
  writeDeviceDirectories,
  type XenStore,
} from '@split-driver/xenbus'
import { EventEmitter } from 'events'
import type TypedEmitter from 'typed-emitter'
import type { AttachOptions } from '../attach-options.js'
import type { BuiltDomain, DomainPlan } from '../building/domain-builder.js'
import { writeDomainDirectories } from '../building/domain-directories.js'
import type { EmulatedPlatform } from '../emulated-platform.js'
import { DOMID_XEN } from '../hypervisor/hypervisor.js'
import type { Machine } from '../machine.js'
import { startInline } from '../program/inline-vcpu.js'
import type { Program, ProgramModule, StartVcpu, Vcpu, VcpuRequest } from '../program/vcpu.js'
import type {
  DomainEnd,
  DomainInfo,
  DomainLifecycle,
  ShutdownOptions,
  ShutdownPolicies,
  ToolstackEvents,
  VcpuInfo,
} from './domain-lifecycle.js'
import { bytesOfUuid, CONTROL_DOMAIN_NAME, DomainListing, uuidOf } from './domain-listing.js'
import { DomainSettlement } from './domain-settlement.js'
import { DomainSuspension } from './domain-suspension.js'
import { KeptDomain } from './kept-domain.js'

export interface GuestPlan extends DomainPlan, ShutdownPolicies {
  /** Unique among the domains that live; not empty. */
  readonly name: string
  /** Lower case with dashes; follows from the domid unless given. */
  readonly uuid?: string
  /** Bytes that the console daemon keeps of its output. Default 1 MiB. */
  readonly consoleLimit?: number
  /** It does not run before it is unpaused, as with `xl create -p`. */
  readonly paused?: boolean
}

export interface StartOptions extends Pick<VcpuRequest, 'argument' | 'transfer' | 'attaching'> {
  /** Where the code runs; `startInline` unless given. */
  readonly startVcpu?: StartVcpu
  /** What the program starts with after a restart; the same argument, and nothing to transfer, unless given. */
  readonly renewArgument?: () => Pick<VcpuRequest, 'argument' | 'transfer'>
}

/** A guest as the toolstack holds it. */
export interface Guest {
  readonly domid: Domid
  readonly name: string
  readonly built: BuiltDomain
}

const Emitter = EventEmitter as unknown as new () => TypedEmitter<ToolstackEvents>

/**
 * What `xl` is on a real host: builds and ends domains, and tells XenStore of them and of their devices. It speaks to
 * XenStore through a connection of its own, and knows no driver.
 */
export class Toolstack implements DomainLifecycle, AsyncDisposable {
  readonly events: TypedEmitter<ToolstackEvents> = new Emitter()
  readonly #machine: Machine
  readonly #store: XenStore
  readonly #kept = new Map<Domid, KeptDomain>()
  readonly #names = new Set<string>([CONTROL_DOMAIN_NAME])
  readonly #listing: DomainListing
  readonly #settlement: DomainSettlement
  readonly #suspension: DomainSuspension
  readonly #stopListening: () => void

  /**
   * @param store a privileged connection to the daemon in the control domain
   * @param controlDomain what `Machine.buildControlDomain` made
   */
  static async open(machine: Machine, store: XenStore, controlDomain: BuiltDomain): Promise<Toolstack> {
    const { domid, start } = controlDomain
    const description = { name: CONTROL_DOMAIN_NAME, uuid: uuidOf(domid), consoleLimit: DEFAULT_CONSOLE_LIMIT }
    await writeDomainDirectories(store, controlDomain, description)
    await store.introduce(domid, start.store.frame, start.store.port)
    return new Toolstack(machine, store)
  }

  private constructor(machine: Machine, store: XenStore) {
    this.#machine = machine
    this.#store = store
    this.#listing = new DomainListing(machine, (domid) => this.#kept.get(domid))
    this.#suspension = new DomainSuspension(machine, store)
    this.#settlement = new DomainSettlement(machine, store, this)
    this.#stopListening = machine.exceptions.listen(() => this.#settlement.look([...this.#kept.values()]))
  }

  /** Builds a domain and introduces it to XenStore; it does not run yet. @throws XenError ENOMEM ENOSPC EEXIST EINVAL; RangeError */
  async create(plan: GuestPlan): Promise<Guest> {
    this.#claimName(plan.name)
    let kept: KeptDomain | undefined
    try {
      kept = this.#build(plan)
      await this.#introduce(kept)
    } catch (error) {
      if (kept) await this.destroy(kept.domid)
      else this.#names.delete(plan.name)
      throw error
    }
    const { domid, name, built } = kept
    this.events.emit('created', { domid, name })
    return { domid, name, built }
  }

  /** Gives the guest's platform to the caller, whose code is the guest's from now on. @throws TypeError if it runs already */
  attach(guest: Pick<Guest, 'domid'>, attaching: AttachOptions = {}): EmulatedPlatform {
    const kept = this.#keptDomain(guest.domid)
    if (kept.vcpu) throw new TypeError(`domain ${guest.domid} runs already`)
    if (!kept.platform) {
      kept.platform = this.#machine.attach(guest.domid, attaching)
      this.#tellStarted(kept)
    }
    return kept.platform.latest
  }

  /** Runs a program as the guest's code. @throws TypeError if it runs already */
  start(guest: Pick<Guest, 'domid'>, program: Program | ProgramModule, options: StartOptions = {}): Vcpu {
    const { startVcpu = startInline, argument, transfer, attaching = {} } = options
    const kept = this.#keptDomain(guest.domid)
    if (kept.isStarted) throw new TypeError(`domain ${guest.domid} runs already`)
    const given = transfer ? { argument, transfer, attaching } : { argument, attaching }
    const vcpu = startVcpu({ machine: this.#machine, domid: guest.domid, program, ...given })
    kept.vcpu = vcpu
    kept.launch = { program, options }
    void vcpu.exited.then((report) => this.#settlement.exited(kept, report))
    this.#tellStarted(kept)
    return vcpu
  }

  /** Writes a device's two directories; both halves find it there. */
  async attachDevice(guest: Pick<Guest, 'domid'>, options: DeviceOptions): Promise<AttachedDevice> {
    const device = await writeDeviceDirectories(this.#store, guest.domid, options)
    this.#kept.get(guest.domid)?.devices.set(device, options)
    return device
  }

  /**
   * Ends a domain at once, in the reverse order of its making: its code, what it held, its devices, its introduction, its
   * keys. Its memory goes back when no backend has any of it mapped any more. Idempotent.
   */
  async destroy(domid: Domid): Promise<void> {
    const kept = this.#kept.get(domid)
    if (!kept) return
    kept.destruction ??= this.#takeDown(kept)
    await kept.destruction
  }

  /** Domains that this toolstack made and has not destroyed. */
  get domids(): readonly Domid[] {
    return [...this.#kept.values()].filter(({ destruction }) => !destruction).map(({ domid }) => domid)
  }

  pause(domid: Domid): void {
    this.#machine.calls.lifecycle.pause(DOMID_XEN, this.#keptDomain(domid).domid)
  }

  unpause(domid: Domid): void {
    this.#machine.calls.lifecycle.unpause(DOMID_XEN, this.#keptDomain(domid).domid)
  }

  shutdown(domid: Domid, options: ShutdownOptions = {}): Promise<void> {
    return this.#suspension.ask(this.#keptDomain(domid), options)
  }

  reboot(domid: Domid, options: Omit<ShutdownOptions, 'request'> = {}): Promise<void> {
    return this.shutdown(domid, { ...options, request: 'reboot' })
  }

  suspend(domid: Domid, options: Omit<ShutdownOptions, 'request'> = {}): Promise<void> {
    return this.#suspension.suspend(this.#keptDomain(domid), options)
  }

  resume(domid: Domid, how: 'cancelled' | 'afresh'): Promise<void> {
    return this.#suspension.resume(this.#keptDomain(domid), how)
  }

  async rename(domid: Domid, name: string): Promise<void> {
    const kept = this.#keptDomain(domid)
    if (kept.name === name) return
    this.#claimName(name)
    this.#names.delete(kept.name)
    kept.name = name
    await this.#store.transaction(async (t) => {
      await t.write(`/local/domain/${domid}/name`, name)
      await t.write(`/vm/${kept.uuid}/name`, name)
    })
  }

  async ended(domid: Domid): Promise<DomainEnd> {
    return this.#keptDomain(domid).ended
  }

  list(): readonly DomainInfo[] {
    return this.#listing.domains()
  }

  vcpuList(): readonly VcpuInfo[] {
    return this.#listing.vcpus()
  }

  find(nameOrDomid: string): Domid | undefined {
    const known = this.list()
    return (known.find(({ name }) => name === nameOrDomid) ?? known.find(({ domid }) => String(domid) === nameOrDomid))
      ?.domid
  }

  /** `name`, or `name-2` and so on: one that no live domain has. For worlds whose guests may share a name. */
  freeName(name: string): string {
    let free = name
    for (let n = 2; this.#names.has(free); n++) free = `${name}-${n}`
    return free
  }

  /** Finishes the policies that are being carried out, begins no more, and destroys all domains. Idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopListening()
    await this.#settlement.stop()
    for (const domid of this.domids) await this.destroy(domid)
  }

  #claimName(name: string): void {
    if (name === '') throw new XenError('EINVAL', 'a domain needs a name')
    if (this.#names.has(name)) throw new XenError('EEXIST', `there is a domain named ${name}`, { detail: { name } })
    this.#names.add(name)
  }

  #build(plan: GuestPlan): KeptDomain {
    // Judged before there is a domain to give up.
    const given = plan.uuid === undefined ? undefined : bytesOfUuid(plan.uuid)
    const built = this.#machine.buildGuest(plan)
    const kept = new KeptDomain(plan, built, plan.uuid ?? uuidOf(built.domid))
    this.#machine.calls.version.setHandle(built.domid, given ?? bytesOfUuid(kept.uuid))
    this.#kept.set(built.domid, kept)
    if (plan.paused) this.pause(built.domid)
    return kept
  }

  async #introduce({ domid, built, name, uuid, plan }: KeptDomain): Promise<void> {
    const description = { name, uuid, consoleLimit: plan.consoleLimit ?? DEFAULT_CONSOLE_LIMIT }
    await this.#store.transaction((t) => writeDomainDirectories(t, built, description))
    await this.#store.introduce(domid, built.start.store.frame, built.start.store.port)
  }

  #tellStarted({ domid, name }: KeptDomain): void {
    this.events.emit('started', { domid, name })
  }

  async #takeDown(kept: KeptDomain): Promise<void> {
    const { domid } = kept
    this.#machine.calls.domains.kill(domid)
    // Before anything is waited for: an event that is on its way must not reach code whose every hypercall fails.
    kept.platform?.revoke()
    await kept.vcpu?.kill()
    this.#machine.calls.domains.reap(domid)
    await this.#removeDevices(domid)
    await this.#release(domid)
    await this.#store.transaction(async (t) => {
      await removeIfThere(t, `/local/domain/${domid}`)
      await removeIfThere(t, `/vm/${kept.uuid}`)
    })
    this.#kept.delete(domid)
    this.#names.delete(kept.name)
    this.events.emit('destroyed', { domid, name: kept.name })
    kept.tellStopped()
    if (!kept.isSettled) kept.end('destroyed')
  }

  /** Unless it never was introduced, or the daemon has heard of its end from the machine already. */
  async #release(domid: Domid): Promise<void> {
    try {
      await this.#store.release(domid)
    } catch (error) {
      if (!XenError.is(error, 'ENOENT')) throw error
    }
  }

  async #removeDevices(domid: Domid): Promise<void> {
    const backends = `/local/domain/${DOM0}/backend`
    if ((await this.#store.tryRead(backends)) === undefined) return
    for (const type of await this.#store.directory(backends))
      await this.#store.transaction((t) => removeIfThere(t, `${backends}/${type}/${domid}`))
  }

  #keptDomain(domid: Domid): KeptDomain {
    const kept = this.#kept.get(domid)
    if (!kept || kept.destruction) throw new TypeError(`domain ${domid} is none of this toolstack's`)
    return kept
  }
}

const DEFAULT_CONSOLE_LIMIT = 1 << 20
