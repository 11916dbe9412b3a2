import type { Domid, FrameNumber, Port, SharedMemory } from '@split-driver/abi'
import type { ByteChannel } from '@split-driver/xenbus'

/** XenStore's server below all platforms: for suites that judge it by its bytes. */
export interface StoreAccess {
  /** One more connection of the control domain. */
  connect(): Promise<ByteChannel>
  /** @throws TypeError in a world without `bareDomains` */
  createDomain(): Promise<BareDomain>
}

/** A domain that is there for the hypervisor, runs nothing, and that XenStore was not told of. */
export interface BareDomain {
  readonly domid: Domid
  /** What INTRODUCE is to be told, beside the domid. */
  readonly frame: FrameNumber
  readonly port: Port
  /** XenStore's ring page, as the domain has it. */
  readonly page: SharedMemory
  /** Raises the event of that port at the server. */
  notify(): void
  /** Calls `onEvent` for each event of the server's from now on, in place of what was to be called before. */
  listen(onEvent: () => void): void
  /** It dies, and XenStore hears of that from the hypervisor or its toolstack. Idempotent. */
  destroy(): Promise<void>
}
