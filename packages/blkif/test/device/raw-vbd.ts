import { DOM0, type GrantRef, type Port } from '@split-driver/abi'
import type { SharedPages } from '@split-driver/grant'
import type { Platform } from '@split-driver/platform'
import { FrontRing } from '@split-driver/ring'
import { FrontendDevice, type KeysToWrite } from '@split-driver/xenbus'

/** A frontend that publishes what the test wants, over a ring of its own of four pages. */
export class RawVbd extends FrontendDevice<Platform> {
  readonly pages: SharedPages
  readonly port: Port
  readonly ring: FrontRing
  readonly #keys: (refs: readonly GrantRef[], port: Port) => KeysToWrite

  constructor(guest: Platform, path: string, keys: (refs: readonly GrantRef[], port: Port) => KeysToWrite) {
    super(guest, path)
    this.#keys = keys
    this.pages = guest.sharer.share(DOM0, 4, 'writable')
    this.port = guest.events.bindUnboundPort(DOM0)
    this.ring = FrontRing.initialise(this.pages.memory, 112)
  }

  protected publish(): KeysToWrite {
    return this.#keys(this.pages.refs, this.port)
  }

  protected connect(): void {}

  protected disconnect(): void {
    this.host.events.unbind(this.port)
    this.host.sharer.unshare(this.pages)
  }
}
