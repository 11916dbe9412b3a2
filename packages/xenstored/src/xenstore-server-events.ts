import type { Domid } from '@split-driver/abi'
import type { XenStoreRingError } from '@split-driver/xenbus'
import type { MemoryLevel } from './quotas/memory-alarm.js'

/** What befalls the domains that a server serves. */
export type XenstoreServerEvents = {
  introduced: (domid: Domid) => void
  released: (domid: Domid) => void
  /** The domain broke the rules of its ring and is not served until it is introduced again; what it wrote stays. */
  broken: (domid: Domid, error: XenStoreRingError) => void
  /** The domain takes so much memory that the server warns of it, or refuses it more; or it does no longer. */
  memory: (domid: Domid, level: MemoryLevel) => void
}
