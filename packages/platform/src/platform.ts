import type { Domid } from '@split-driver/abi'
import type { EventChannels } from '@split-driver/evtchn'
import type { GrantMapper, GrantSharer } from '@split-driver/grant'
import type { XenStore } from '@split-driver/xenbus'
import type { Capabilities } from './capabilities.js'
import type { Clock } from './clock.js'

/** What one domain may ask of the machine it runs on. Drivers know nothing else. */
export interface Platform extends AsyncDisposable {
  readonly domid: Domid
  /** Ports: bind, notify, listen, eoi, unbind. */
  readonly events: EventChannels
  /** Shares my pages with a domain. */
  readonly sharer: GrantSharer
  /** Maps and copies a peer's pages. */
  readonly mapper: GrantMapper
  readonly xenstore: XenStore
  readonly clock: Clock
  readonly supports: Capabilities
}
