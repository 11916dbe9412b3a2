import { type Domid, PAGE_BYTES, XENFEAT_SUBMAPS, XenError, XenFeature } from '@split-driver/abi'
import { DOMID_XEN, type Hypervisor } from './hypervisor.js'
import { domainRecord } from './machine-layout.js'

/** The release whose answers this hypervisor gives. */
const [MAJOR, MINOR] = [4, 17]

const HANDLE_BYTES = 16

/** HYPERVISOR_xen_version. @see xen/include/public/version.h XENVER_* */
export class VersionCalls {
  readonly #xen: Hypervisor

  constructor(xen: Hypervisor) {
    this.#xen = xen
  }

  /** Major in the upper 16 bits, minor in the lower. */
  version(): number {
    return (MAJOR << 16) | MINOR
  }

  extraversion(): string {
    return '.0-emulated'
  }

  capabilities(): string {
    return 'xen-3.0-x86_64 xen-3.0-x86_32p'
  }

  compileInfo() {
    return { compiler: 'JavaScript', compileBy: 'split-driver', compileDomain: '', compileDate: '' }
  }

  changeset(): string {
    return 'unavailable'
  }

  pagesize(): number {
    return PAGE_BYTES
  }

  /**
   * Bits of XENFEAT_*. A frame has one number in this machine, whoever names it, which is what `DirectMapped` says; nothing of
   * page tables or interrupt controllers is there to have a feature. @throws XenError EINVAL for a submap that is not there
   */
  features(caller: Domid, submap: number): number {
    if (!Number.isInteger(submap) || submap < 0 || submap >= XENFEAT_SUBMAPS)
      throw new XenError('EINVAL', `there is no feature submap ${submap}`, { detail: { submap } })
    const all = 1 << XenFeature.DirectMapped
    return this.#xen.isPrivileged(caller) ? all | (1 << XenFeature.Dom0) : all
  }

  /** @throws XenError ESRCH */
  guestHandle(caller: Domid): Uint8Array {
    this.#xen.enter(caller)
    try {
      return this.#handleOf(caller).slice()
    } finally {
      this.#xen.leave()
    }
  }

  /** XEN_DOMCTL_setdomainhandle, of the toolstack's. @throws XenError ESRCH; RangeError unless 16 bytes */
  setHandle(domid: Domid, handle: Uint8Array): void {
    if (handle.length !== HANDLE_BYTES) throw new RangeError(`a domain's handle has 16 bytes, not ${handle.length}`)
    this.#xen.enter(DOMID_XEN)
    try {
      this.#handleOf(domid).set(handle)
    } finally {
      this.#xen.leave()
    }
  }

  #handleOf(domid: Domid): Uint8Array {
    const at = (this.#xen.domains.record(domid) + domainRecord.handle) * 4
    return this.#xen.memory.bytes.subarray(at, at + HANDLE_BYTES)
  }
}
