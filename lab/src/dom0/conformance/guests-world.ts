import type { Domid } from '@split-driver/abi'
import type { GuestHandle, GuestOptions, Toolstack, World } from '@split-driver/conformance'
import type { Capabilities, Clock, Platform } from '@split-driver/platform'
import type { XenStore } from '@split-driver/xenbus'
import type { RelayedGuest, RelayedGuests } from './relayed-guests.js'

/** What of a platform can be lent by a relay: XenStore, and that is all. */
class StorePlatform implements Platform {
  constructor(
    readonly domid: Domid,
    readonly xenstore: XenStore,
    readonly clock: Clock,
    readonly supports: Capabilities,
  ) {}

  get events(): never {
    return this.#refuse()
  }

  get sharer(): never {
    return this.#refuse()
  }

  get mapper(): never {
    return this.#refuse()
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #refuse(): never {
    throw new TypeError('a guest of this world lends its XenStore and nothing else')
  }
}

/** What a world of guests is made of. */
export interface GuestsWorldParts {
  /** Of dom0, the suite's own; disposed of with the world. */
  readonly platform: Platform
  readonly guests: RelayedGuests
  /** Of the world; slower than the host's where the host is slow. */
  readonly clock: Clock
}

/**
 * Real domains: each guest is a Linux domain whose XenStore connection is its own, with a guest's rights, so that the
 * server that runs here is judged by what it allows to whom. For the suite of XenStore alone.
 */
export class GuestsWorld implements World {
  readonly dom0: Platform
  readonly supports: Capabilities
  readonly #parts: GuestsWorldParts
  readonly #taken = new Map<Domid, RelayedGuest>()

  constructor(parts: GuestsWorldParts) {
    const { platform, clock } = parts
    this.#parts = parts
    this.supports = { ...platform.supports, separateDomains: true }
    this.dom0 = new StorePlatform(platform.domid, platform.xenstore, clock, this.supports)
  }

  get toolstack(): Toolstack {
    throw new TypeError('this world attaches no device')
  }

  async createGuest({ name }: GuestOptions = {}): Promise<GuestHandle> {
    const { guests, clock } = this.#parts
    const guest = await guests.take(name)
    const { domid } = guest.linux
    this.#taken.set(domid, guest)
    const platform = new StorePlatform(domid, guest.store.client, clock, this.supports)
    return { domid, platform, console: noConsole, destroy: () => this.#destroy(domid) }
  }

  stranger(): Promise<Domid> {
    throw new TypeError('nothing is granted in this world')
  }

  async ledger(): Promise<readonly string[]> {
    return [...this.#taken].flatMap(([domid, { store }]) =>
      store.client.outstanding > 0 ? [`${store.client.outstanding} requests of domain ${domid}`] : [],
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const guest of this.#taken.values()) this.#parts.guests.giveBack(guest)
    await this.#parts.platform[Symbol.asyncDispose]()
  }

  async #destroy(domid: Domid): Promise<void> {
    const guest = this.#taken.get(domid)
    if (guest === undefined) return
    this.#taken.delete(domid)
    await this.#parts.guests.destroy(guest)
  }
}

/** Linux has it. */
const noConsole: GuestHandle['console'] = {
  get memory(): never {
    throw new TypeError('the console of a Linux guest is its kernel’s')
  },
  get port(): never {
    throw new TypeError('the console of a Linux guest is its kernel’s')
  },
}
