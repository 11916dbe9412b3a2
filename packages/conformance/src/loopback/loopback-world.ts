import type { Domid } from '@split-driver/abi'
import type { Platform } from '@split-driver/platform'
import {
  type AttachedDevice,
  type DeviceOptions,
  domainPath,
  parentPath,
  removeIfThere,
  writeDeviceDirectories,
} from '@split-driver/xenbus'
import type { StoreAccess } from '../store-access.js'
import type { DeviceHandle, GuestHandle, GuestOptions, Toolstack, World } from '../world.js'
import type { WorldCapabilities } from '../world-capabilities.js'
import { LoopbackDomains } from './loopback-domains.js'
import { LoopbackPlatform } from './loopback-platform.js'
import { SlowClock } from './slow-clock.js'

/** A platform that can tell what is open through it. */
export interface AccountablePlatform extends Platform {
  holdings(): readonly {
    /** One line for a person. */
    readonly what: string
  }[]
}

export interface LoopbackOptions {
  /** One more platform of the control domain, with ports, grants and a XenStore connection of its own. */
  readonly open: () => Promise<AccountablePlatform>
  /** A domain of the host's beside the control domain, whatever it does; only suites ask for one. */
  readonly stranger?: () => Promise<Domid>
  /** The way to XenStore's daemon itself, if there is one. */
  readonly store?: StoreAccess
  /** How many of the host's milliseconds make one of the world's; 1 unless given. */
  readonly slowness?: number
}

/** A guest: a platform, and what the world opened for it beforehand. */
interface Guest {
  readonly below: AccountablePlatform
  readonly opened: readonly string[]
  readonly devices: AttachedDevice[]
}

/**
 * The world of somebody who has one domain only: every guest is a further platform of the control domain itself, looped
 * back. Grants and events really go through the hypervisor, from the domain to itself. So that guests can be told apart,
 * each goes by a number of its own, in XenStore's paths and towards the drivers, and only the hypervisor hears the real
 * one. There are no rights to be tested, and a guest dies as a process does: its platform is closed.
 */
export class LoopbackWorld implements World {
  readonly dom0: LoopbackPlatform
  readonly supports: WorldCapabilities
  readonly toolstack: Toolstack
  readonly #options: LoopbackOptions
  readonly #domains: LoopbackDomains
  readonly #below: AccountablePlatform
  readonly #guests = new Map<Domid, Guest>()

  static async create(options: LoopbackOptions): Promise<LoopbackWorld> {
    return new LoopbackWorld(options, await options.open())
  }

  private constructor(options: LoopbackOptions, below: AccountablePlatform) {
    this.#options = options
    this.#below = below
    this.#domains = new LoopbackDomains(below.domid)
    this.dom0 = this.#platform(below, below.domid)
    this.supports = { ...this.dom0.supports, ...(options.store && { storeWire: true, bareDomains: true }) }
    this.toolstack = { attachDevice: (guest, device) => this.#attach(guest, device) }
  }

  get store(): StoreAccess | undefined {
    return this.#options.store
  }

  async createGuest({ name = 'guest' }: GuestOptions = {}): Promise<GuestHandle> {
    const below = await this.#options.open()
    const domid = this.#domains.claim()
    const pages = below.sharer.share(below.domid, 1, 'writable')
    const port = below.events.bindUnboundPort(below.domid)
    this.#guests.set(domid, { below, opened: linesOf(below), devices: [] })
    const { xenstore } = this.dom0
    const keys = {
      name,
      domid,
      'console/type': 'xenconsoled',
      'console/limit': 1 << 20,
      'console/ring-ref': pages.refs[0]!,
      'console/port': port,
    }
    await xenstore.transaction(async (transaction) => {
      for (const [key, value] of Object.entries(keys))
        await transaction.write(`${domainPath(domid)}/${key}`, String(value))
      for (const directory of ['data', 'device']) await transaction.mkdir(`${domainPath(domid)}/${directory}`)
    })
    this.#domains.add(domid, { consoleRef: pages.refs[0]! })
    const platform = this.#platform(below, domid)
    return { domid, platform, console: { memory: pages.memory, port }, destroy: () => this.#destroy(domid) }
  }

  /** @throws TypeError if the world was made without one */
  async stranger(): Promise<Domid> {
    if (!this.#options.stranger) throw new TypeError('this world was made without a way to find a stranger')
    return this.#options.stranger()
  }

  async ledger(): Promise<readonly string[]> {
    const ofGuests = [...this.#guests].flatMap(([domid, { below, opened }]) =>
      without(linesOf(below), opened).map((entry) => `${entry}, of guest ${domid}`),
    )
    return [...linesOf(this.#below), ...ofGuests]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const domid of [...this.#guests.keys()]) await this.#destroy(domid)
    await this.dom0[Symbol.asyncDispose]()
  }

  #platform(below: Platform, domid: Domid): LoopbackPlatform {
    const { slowness = 1 } = this.#options
    const clock = slowness === 1 ? below.clock : new SlowClock(below.clock, slowness)
    return new LoopbackPlatform(below, domid, this.#domains, clock)
  }

  async #attach({ domid }: GuestHandle, options: DeviceOptions): Promise<DeviceHandle> {
    const device = await writeDeviceDirectories(this.dom0.xenstore, domid, options)
    this.#guests.get(domid)?.devices.push(device)
    return device
  }

  async #destroy(domid: Domid): Promise<void> {
    const guest = this.#guests.get(domid)
    if (guest === undefined) return
    this.#guests.delete(domid)
    await guest.below[Symbol.asyncDispose]()
    for (const { backendPath } of guest.devices)
      await this.dom0.xenstore.transaction((transaction) => removeIfThere(transaction, parentPath(backendPath)!))
    this.#domains.remove(domid)
    await this.dom0.xenstore.transaction((transaction) => removeIfThere(transaction, domainPath(domid)))
  }
}

const linesOf = (platform: AccountablePlatform): string[] => platform.holdings().map(({ what }) => what)

/** What is in `all` beyond `known`, each entry as often as it is. */
const without = (all: readonly string[], known: readonly string[]): string[] => {
  const rest = [...all]
  for (const entry of known) {
    const at = rest.indexOf(entry)
    if (at >= 0) rest.splice(at, 1)
  }
  return rest
}
