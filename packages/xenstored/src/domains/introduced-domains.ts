import { type Domid, type Port, XenError } from '@split-driver/abi'
import type { DomainStates } from '@split-driver/platform'
import type { XenStoreRingError } from '@split-driver/xenbus'
import type { Client } from '../client/client.js'
import type { TurnQueue } from '../client/turn-queue.js'
import type { FoundRing } from '../state/journal/found-rings.js'
import type { SavedRing } from '../state/restore-server.js'
import type { StoreHost } from '../store-host.js'
import type { ServerPlatform } from '../xenstore-server.js'
import type { XenstoreServerOptions } from '../xenstore-server-options.js'
import type { Caller } from './domain-record.js'
import { IntroducedDomain, type IntroducedDomainOptions } from './introduced-domain.js'

export interface IntroducedDomainsOptions {
  readonly platform: ServerPlatform
  readonly host: StoreHost
  readonly control: Caller
  readonly controlRing: XenstoreServerOptions['controlRing'] | undefined
  readonly domainStates: DomainStates | undefined
  readonly turns: TurnQueue
  readonly onBroken: (domid: Domid, error: XenStoreRingError) => void
}

type Make = (options: IntroducedDomainOptions) => IntroducedDomain

/** Who is served through a ring page, and how that begins: anew, or where another server left off. */
export class IntroducedDomains implements Iterable<IntroducedDomain> {
  readonly #options: IntroducedDomainsOptions
  readonly #byDomid = new Map<Domid, IntroducedDomain>()

  constructor(options: IntroducedDomainsOptions) {
    this.#options = options
  }

  has(domid: Domid): boolean {
    return this.#byDomid.has(domid)
  }

  get(domid: Domid): IntroducedDomain | undefined {
    return this.#byDomid.get(domid)
  }

  [Symbol.iterator](): Iterator<IntroducedDomain> {
    return this.#byDomid.values()
  }

  /** Begins anew with a domain that is there already. @returns whether it was not. @throws XenError GNTST_* EINVAL ENOSPC */
  introduce(domid: Domid, port: Port): boolean {
    const known = this.#byDomid.get(domid)
    if (known === undefined) {
      const introduced = this.#add(domid, (options) => IntroducedDomain.introduce(options, port))
      this.#options.host.recorder?.introduced(introduced)
      return true
    }
    // It is written down first: a page that begins anew must not be taken for one that goes on.
    const { record, uuid, isShutDown } = known
    this.#options.host.recorder?.introduced({ record, uuid, isShutDown, remotePort: port })
    this.#options.host.journal?.flush()
    known.reconnect(port)
    return false
  }

  /** Tells the control domain, whose kernel waits for that since its boot. */
  serveControl(): void {
    const { controlRing, control } = this.#options
    const { domid } = control.domain
    if (controlRing === undefined || this.has(domid)) return
    this.#add(domid, (options) => IntroducedDomain.introduce(options, controlRing.port)).announce()
  }

  /**
   * A ring that another server has saved. The domain may have ended since.
   * @returns `undefined` if it cannot be had any more
   * @throws XenError EPROTO if the domain has one already
   */
  takeSaved(domid: Domid, { port, remotePort, shutDown }: SavedRing): Client | undefined {
    if (this.has(domid)) throw new XenError('EPROTO', `state: domain ${domid} has two rings`)
    const { inheritedPorts: ports } = this.#options.platform
    if (ports !== undefined)
      return this.#take(domid, shutDown, (options) => IntroducedDomain.inherit(options, ports, port))
    if (remotePort === undefined) return undefined
    return this.#take(domid, shutDown, (options) => IntroducedDomain.introduce(options, remotePort))
  }

  /** A ring that a server left that was killed. The control domain's own is had from its kernel alone. */
  takeFound(found: FoundRing): Client | undefined {
    const { domid, remotePort, shutDown } = found
    const { controlRing, control } = this.#options
    const port = domid === control.domain.domid ? controlRing?.port : remotePort
    if (port === undefined) return undefined
    return this.#take(domid, shutDown, (options) => IntroducedDomain.introduce({ ...options, found }, port))
  }

  /** Leaves no mapping and no port of it. */
  end(domain: IntroducedDomain): void {
    this.#byDomid.delete(domain.record.domid)
    domain.end()
  }

  endAll(): void {
    for (const domain of this) this.end(domain)
  }

  #take(domid: Domid, shutDown: boolean, make: Make): Client | undefined {
    try {
      const introduced = this.#add(domid, make)
      introduced.isShutDown = shutDown
      return introduced.client
    } catch (error) {
      if (XenError.is(error)) return undefined
      throw error
    }
  }

  #add(domid: Domid, make: Make): IntroducedDomain {
    const { platform, host, control, turns, controlRing, domainStates, onBroken } = this.#options
    const { events, mapper } = platform
    const isNew = !host.records.knows(domid)
    const domain = host.records.of(domid)
    const caller = { domain, privileged: domain === control.domain }
    const ownPage = caller.privileged ? controlRing?.page : undefined
    try {
      const introduced = make({
        ...{ caller, host, events, mapper, turns, ownPage },
        uuid: domainStates?.uuidOf?.(domid),
        onBroken: (error) => onBroken(domid, error),
      })
      this.#byDomid.set(domid, introduced)
      return introduced
    } catch (error) {
      // A domain that there is not must not be known for having been named.
      if (isNew) host.records.end(domain)
      throw error
    }
  }
}
