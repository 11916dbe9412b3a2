import type { Domid } from '@split-driver/abi'
import type { CallOptions } from './xenstore.js'

/**
 * What toolstacks and administrators ask of XenStore, and drivers do not. All but `resetWatches` and `getFeatures` of
 * oneself is the control domain's right. @throws XenError EACCES for others; ENOSYS EINVAL from servers that are too old
 */
export interface XenStoreAdmin {
  /** `@releaseDomain` shall tell again when the domain shuts down: it was shut down, for a suspend, and goes on. */
  resume(domid: Domid, options?: CallOptions): Promise<void>
  /** `domid` gets all the rights of `target`, as a device model needs them over its guest's nodes. */
  setTarget(domid: Domid, target: Domid, options?: CallOptions): Promise<void>
  /**
   * Ends every watch and transaction of this connection at the server (rule 53): those of whoever had a ring page before,
   * and our own, whose iterations end.
   */
  resetWatches(options?: CallOptions): Promise<void>
  /** What the server offers to a domain, or to us: bits of `XenStoreServerFeature`. */
  getFeatures(domid?: Domid, options?: CallOptions): Promise<number>
  /** What it shall offer; only before the domain is introduced. @throws XenError EBUSY after that */
  setFeatures(domid: Domid, features: number, options?: CallOptions): Promise<void>
  /** Names of the quotas that the server knows. */
  quotaNames(options?: CallOptions): Promise<string[]>
  /** A domain's quota, or that of domains to come; 0 means no limit. @throws XenError EINVAL ENOENT */
  getQuota(name: string, domid?: Domid, options?: CallOptions): Promise<number>
  setQuota(name: string, value: number, domid?: Domid, options?: CallOptions): Promise<void>
  /**
   * A command to the daemon itself, such as `check`, `log` or `memreport`; which there are is the daemon's matter.
   * @returns what it says to that
   */
  control(command: string, parameters?: readonly string[], options?: CallOptions): Promise<string>
}
