import type { Platform } from '@split-driver/platform'
import { type GuestHost, LinuxGuest } from '../linux-guest.js'
import { RelayedXenStore } from './relayed-xenstore.js'

const START_RELAY = 'setsid node /split-driver/lab/dist/src/guest/xenstore-relay.js >/tmp/relay.log 2>&1 &'

/** A Linux guest whose connection to XenStore is lent to dom0. */
export interface RelayedGuest {
  readonly linux: LinuxGuest
  readonly store: RelayedXenStore
}

/** Guests take long to boot, and are used one case after the other. */
export class RelayedGuests {
  readonly #host: GuestHost
  readonly #platform: Platform
  readonly #idle: RelayedGuest[] = []
  #booted = 0

  /** @param platform of dom0, for the relays' pages and ports */
  constructor(host: GuestHost, platform: Platform) {
    this.#host = host
    this.#platform = platform
  }

  /** How many were booted. */
  get booted(): number {
    return this.#booted
  }

  /** One that is there, or a new one; always a new one if it is to have a name. */
  async take(name?: string): Promise<RelayedGuest> {
    const idle = name === undefined ? this.#idle.pop() : undefined
    return idle ?? this.#boot(name ?? `relay-${this.#booted}`)
  }

  giveBack(guest: RelayedGuest): void {
    this.#idle.push(guest)
  }

  /** Pages of a domain that are still mapped would keep it from ending: the relay's goes first. */
  async destroy({ linux, store }: RelayedGuest): Promise<void> {
    store[Symbol.dispose]()
    await linux.destroy()
  }

  async destroyAll(): Promise<void> {
    for (const guest of this.#idle.splice(0)) await this.destroy(guest)
  }

  async #boot(name: string): Promise<RelayedGuest> {
    this.#booted++
    const linux = await LinuxGuest.boot(this.#host, { name, withNode: true })
    await linux.output(START_RELAY)
    return { linux, store: await RelayedXenStore.connect(this.#platform, linux.domid) }
  }
}
