import type { Domid } from '@split-driver/abi'
import { GRANT_RESERVED_ENTRIES, GRANT_RESERVED_XENSTORE } from '@split-driver/grant'
import type { EventChannelCalls } from './hypervisor/event-channel-calls.js'
import type { GrantCalls } from './hypervisor/grant-calls.js'
import { DOMID_XEN, type Hypervisor } from './hypervisor/hypervisor.js'
import { DomainState, domainRecord } from './hypervisor/machine-layout.js'

export interface LedgerEntry {
  readonly domid: Domid
  readonly kind: 'port' | 'mapping' | 'grant' | 'zombie'
  /** One line for a person. */
  readonly what: string
}

/**
 * What is open in the whole machine, read from the hypervisor's own tables. What start-of-day opened for a domain, and
 * XenStore's end of that, goes with the domain and is not listed.
 */
export class Ledger {
  readonly #xen: Hypervisor
  readonly #channels: EventChannelCalls
  readonly #grants: GrantCalls

  constructor(xen: Hypervisor, channels: EventChannelCalls, grants: GrantCalls) {
    this.#xen = xen
    this.#channels = channels
    this.#grants = grants
  }

  entries(): LedgerEntry[] {
    this.#xen.enter(DOMID_XEN)
    try {
      return this.#xen.domains.list().flatMap((domid) => this.#entriesOf(domid))
    } finally {
      this.#xen.leave()
    }
  }

  #entriesOf(domid: Domid): LedgerEntry[] {
    const { domains } = this.#xen
    if (domains.get(domains.record(domid), domainRecord.state) === DomainState.Zombie)
      return [{ domid, kind: 'zombie', what: `domain ${domid} is dead, but pages of it are still mapped` }]
    return [...this.#ports(domid), ...this.#mappings(domid), ...this.#openGrants(domid)]
  }

  #ports(domid: Domid): LedgerEntry[] {
    return this.#channels
      .listOpen(domid)
      .filter(
        ({ port, remoteDomid, remotePort }) =>
          !this.#isStartOfDay(domid, port) && !this.#isStore(remoteDomid, remotePort),
      )
      .map(({ port, remoteDomid }) => ({
        domid,
        kind: 'port',
        what: `port ${port} of domain ${domid} towards domain ${remoteDomid}`,
      }))
  }

  #mappings(domid: Domid): LedgerEntry[] {
    return this.#grants
      .listHeld(domid)
      .filter(({ ref }) => ref !== GRANT_RESERVED_XENSTORE)
      .map(({ granter, ref }) => ({
        domid,
        kind: 'mapping',
        what: `grant ${ref} of domain ${granter}, mapped by domain ${domid}`,
      }))
  }

  #openGrants(domid: Domid): LedgerEntry[] {
    return this.#grants
      .listGranted(domid)
      .filter((ref) => ref >= GRANT_RESERVED_ENTRIES)
      .map((ref) => ({ domid, kind: 'grant', what: `grant ${ref} of domain ${domid}` }))
  }

  #isStartOfDay(domid: Domid, port: number): boolean {
    const { domains } = this.#xen
    const record = domains.record(domid)
    return (
      port === domains.get(record, domainRecord.storePort) || port === domains.get(record, domainRecord.consolePort)
    )
  }

  /** Is that the other end of somebody's XenStore ring? */
  #isStore(domid: Domid, port: number): boolean {
    const record = this.#xen.domains.find(domid)
    return port !== 0 && record >= 0 && port === this.#xen.domains.get(record, domainRecord.storePort)
  }
}
