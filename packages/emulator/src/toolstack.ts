import { DOM0, type Domid } from '@split-driver/abi'
import {
  type AttachedDevice,
  type DeviceOptions,
  removeIfThere,
  writeDeviceDirectories,
  type XenStore,
} from '@split-driver/xenbus'
import type { BuiltDomain, DomainPlan } from './domain-builder.js'
import { writeDomainDirectories } from './domain-directories.js'
import type { EmulatedPlatform } from './emulated-platform.js'
import { startInline } from './inline-vcpu.js'
import type { Machine } from './machine.js'
import type { Program, ProgramModule, StartVcpu, Vcpu, VcpuRequest } from './vcpu.js'

export interface GuestPlan extends DomainPlan {
  readonly name: string
  /** Default 1 MiB. */
  readonly consoleLimit?: number
}

export interface StartOptions extends Pick<VcpuRequest, 'argument' | 'transfer'> {
  /** Where the code runs; `startInline` unless given. */
  readonly startVcpu?: StartVcpu
}

/** A guest as the toolstack holds it. */
export interface Guest {
  readonly domid: Domid
  readonly name: string
  readonly built: BuiltDomain
}

/**
 * What `xl` is on a real host: builds and ends domains, and tells XenStore of them and of their devices. It speaks to
 * XenStore through a connection of its own, and knows no driver.
 */
export class Toolstack {
  readonly #machine: Machine
  readonly #store: XenStore
  readonly #running = new Map<Domid, RunningGuest>()

  /**
   * @param store a privileged connection to the daemon in the control domain
   * @param controlDomain what `Machine.buildControlDomain` made
   */
  static async open(machine: Machine, store: XenStore, controlDomain: BuiltDomain): Promise<Toolstack> {
    await writeDomainDirectories(store, controlDomain, describe(controlDomain.domid, 'Domain-0'))
    await store.introduce(controlDomain.domid, controlDomain.start.store.frame, controlDomain.start.store.port)
    return new Toolstack(machine, store)
  }

  private constructor(machine: Machine, store: XenStore) {
    this.#machine = machine
    this.#store = store
  }

  /** Builds a domain and introduces it to XenStore; it does not run yet. @throws XenError ENOMEM ENOSPC; RangeError */
  async create(plan: GuestPlan): Promise<Guest> {
    const built = this.#machine.buildGuest(plan)
    const description = describe(built.domid, plan.name, plan.consoleLimit)
    const guest = { domid: built.domid, name: plan.name, built }
    this.#running.set(built.domid, { uuid: description.uuid, vcpu: undefined, platform: undefined })
    try {
      await this.#store.transaction((t) => writeDomainDirectories(t, built, description))
      await this.#store.introduce(built.domid, built.start.store.frame, built.start.store.port)
    } catch (error) {
      await this.destroy(guest.domid)
      throw error
    }
    return guest
  }

  /** Gives the guest's platform to the caller, whose code is the guest's from now on. @throws TypeError if it runs already */
  attach(guest: Pick<Guest, 'domid'>): EmulatedPlatform {
    const running = this.#runningGuest(guest.domid)
    if (running.vcpu) throw new TypeError(`domain ${guest.domid} runs already`)
    running.platform ??= this.#machine.attach(guest.domid)
    return running.platform
  }

  /** Runs a program as the guest's code. @throws TypeError if it runs already */
  start(guest: Pick<Guest, 'domid'>, program: Program | ProgramModule, options: StartOptions = {}): Vcpu {
    const { startVcpu = startInline, ...rest } = options
    const running = this.#runningGuest(guest.domid)
    if (running.vcpu || running.platform) throw new TypeError(`domain ${guest.domid} runs already`)
    running.vcpu = startVcpu({ machine: this.#machine, domid: guest.domid, program, ...rest })
    return running.vcpu
  }

  /** Writes a device's two directories; both halves find it there. */
  attachDevice(guest: Pick<Guest, 'domid'>, options: DeviceOptions): Promise<AttachedDevice> {
    return writeDeviceDirectories(this.#store, guest.domid, options)
  }

  /**
   * Ends a domain at once, in the reverse order of its making: its code, what it held, its devices, its introduction, its
   * keys. Its memory goes back when no backend has any of it mapped any more. Idempotent.
   */
  async destroy(domid: Domid): Promise<void> {
    const running = this.#running.get(domid)
    if (!running) return
    this.#running.delete(domid)
    this.#machine.calls.domains.kill(domid)
    await running.vcpu?.kill()
    running.platform?.revoke()
    this.#machine.calls.domains.reap(domid)
    await this.#removeDevices(domid)
    if (await this.#store.isDomainIntroduced(domid)) await this.#store.release(domid)
    await this.#store.transaction(async (t) => {
      await removeIfThere(t, `/local/domain/${domid}`)
      await removeIfThere(t, `/vm/${running.uuid}`)
    })
  }

  /** Domains that this toolstack made and has not destroyed. */
  get domids(): readonly Domid[] {
    return [...this.#running.keys()]
  }

  async #removeDevices(domid: Domid): Promise<void> {
    const backends = `/local/domain/${DOM0}/backend`
    if ((await this.#store.tryRead(backends)) === undefined) return
    for (const type of await this.#store.directory(backends))
      await this.#store.transaction((t) => removeIfThere(t, `${backends}/${type}/${domid}`))
  }

  #runningGuest(domid: Domid): RunningGuest {
    const running = this.#running.get(domid)
    if (!running) throw new TypeError(`domain ${domid} is none of this toolstack's`)
    return running
  }
}

interface RunningGuest {
  readonly uuid: string
  vcpu: Vcpu | undefined
  platform: EmulatedPlatform | undefined
}

/** The UUID follows from the domid: nothing here is random, so that a machine can be replayed. */
const describe = (domid: Domid, name: string, consoleLimit = 1 << 20) => ({
  name,
  uuid: `00000000-0000-4000-8000-${domid.toString(16).padStart(12, '0')}`,
  consoleLimit,
})
