import { type Domid, type GrantRef, XenError } from '@split-driver/abi'
import { GRANT_RESERVED_CONSOLE } from '@split-driver/grant'

/** Where the numbers of loopback guests begin: far from those that a hypervisor gives first. */
const FIRST_DOMID = 30_000

/** Names of XenStore's own happenings. */
export const INTRODUCE_DOMAIN = '@introduceDomain'
export const RELEASE_DOMAIN = '@releaseDomain'

interface Guest {
  /** What stands for the reserved reference of its console's page, which only a domain's builder can grant. */
  readonly consoleRef: GrantRef
}

/** The domids of a loopback world: each guest has one of its own, and all of them stand for one real domain. */
export class LoopbackDomains {
  readonly #real: Domid
  readonly #guests = new Map<Domid, Guest>()
  readonly #listeners = new Map<string, Set<() => void>>()
  #next = FIRST_DOMID

  constructor(real: Domid) {
    this.#real = real
  }

  claim(): Domid {
    return this.#next++ as Domid
  }

  /** The guest can be found from now on. */
  add(domid: Domid, guest: Guest): void {
    this.#guests.set(domid, guest)
    this.#tell(INTRODUCE_DOMAIN)
  }

  remove(domid: Domid): void {
    if (this.#guests.delete(domid)) this.#tell(RELEASE_DOMAIN)
  }

  has(domid: Domid): boolean {
    return this.#guests.has(domid)
  }

  /** Is that one of this world's numbers, whether its guest is still there or not? */
  isGuest(domid: Domid): boolean {
    return domid >= FIRST_DOMID && domid < this.#next
  }

  /** Whom the hypervisor knows by this name; a number that is not ours is the hypervisor's to judge. */
  real(domid: Domid): Domid {
    return this.isGuest(domid) ? this.#real : domid
  }

  /** @throws XenError GNTST_bad_domain if the guest is gone, which the hypervisor does not know */
  realRef(domid: Domid, ref: GrantRef): GrantRef {
    const guest = this.#guests.get(domid)
    if (guest === undefined && this.isGuest(domid))
      throw new XenError('GNTST_bad_domain', `domain ${domid} is no more`, { detail: { domid, index: 0 } })
    return guest !== undefined && ref === GRANT_RESERVED_CONSOLE ? guest.consoleRef : ref
  }

  /** Calls back when guests come (`@introduceDomain`) or go (`@releaseDomain`). @returns how to stop that */
  listen(path: string, listener: () => void): () => void {
    const listeners = this.#listeners.get(path) ?? new Set()
    this.#listeners.set(path, listeners.add(listener))
    return () => listeners.delete(listener)
  }

  #tell(path: string): void {
    for (const listener of this.#listeners.get(path) ?? []) listener()
  }
}
