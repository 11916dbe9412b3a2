import type { Domid, FrameNumber, Port } from '@split-driver/abi'
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
  /** Its end of XenStore's ring, over every introduction. */
  readonly channel: ByteChannel
  /** It dies, and XenStore hears of that from the hypervisor or its toolstack. Idempotent. */
  destroy(): Promise<void>
}
