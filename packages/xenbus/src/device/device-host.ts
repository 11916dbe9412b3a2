import type { Domid } from '@split-driver/abi'
import type { XenStore } from '../xenstore.js'

/** What the XenBus handshake needs of the domain it runs in; every Platform has it. */
export interface DeviceHost {
  readonly domid: Domid
  readonly xenstore: XenStore
}
