import type { Capabilities } from '@split-driver/platform'

/** What a world can do for a suite, beside what its platforms can do for drivers. What is not said it cannot. */
export interface WorldCapabilities extends Capabilities {
  /** `World.store`: connections of the control domain to XenStore whose bytes reach the server as they are. */
  readonly storeWire?: boolean
  /** `StoreAccess.createDomain`: domains that the case itself introduces, with the domain's end of XenStore's ring in its hands. */
  readonly bareDomains?: boolean
}
