import { type Domid, type Port, VIRQ } from '@split-driver/abi'
import type { EventChannels } from '@split-driver/evtchn'
import type { DomainStates } from '@split-driver/platform'
import type { DomainRecord } from './domain-record.js'
import type { IntroducedDomain } from './introduced-domain.js'

/** The domains of a server, and what becomes of those that end. */
export interface EndingDomains {
  /** Everybody whose end matters: not the control domain. */
  records(): Iterable<DomainRecord>
  introduced(domid: Domid): IntroducedDomain | undefined
  /** An introduced domain is no more. */
  release(domid: Domid): void
  /** A domain that was only named, by permissions or as an owner, is no more. */
  forget(record: DomainRecord): void
  /** An introduced domain has shut down, and is kept. */
  shutDown(domain: IntroducedDomain): void
  /** Who watches for ends hears of this one: it shut down and is kept, or only the server before this one had it. */
  tell(domid: Domid): void
}

/**
 * Learns from the machine that domains shut down or went: the virtual interrupt says only that some did, so that each is
 * looked at. A toolstack has no part in this; what a domain owned goes with it even if whoever built it has crashed.
 * @see xen/tools/xenstored/domain.c check_domains
 */
export class DomainEnds implements Disposable {
  readonly #events: EventChannels
  readonly #states: DomainStates
  readonly #domains: EndingDomains
  /** Domains that are not served any more though they live: of their end is told all the same. */
  readonly #lost = new Set<DomainRecord>()
  #port: Port | undefined

  /**
   * @param self the domain of this server
   * @throws XenError EEXIST if another daemon of this domain has the interrupt; what `states` throws
   */
  constructor(events: EventChannels, states: DomainStates, domains: EndingDomains, self: Domid) {
    // A machine that cannot be asked says so now, not when the interrupt comes.
    states.stateOf(self)
    this.#events = events
    this.#states = states
    this.#domains = domains
    this.#listen()
  }

  /**
   * Looks for what happened while nobody listened: the interrupt does not tell of it.
   * @param lost domains of the server before this one whose ring cannot be had any more
   */
  begin(lost: readonly DomainRecord[]): void {
    for (const record of lost) this.#lost.add(record)
    this.look()
  }

  /** Leaves the interrupt to another program of this domain. Idempotent. */
  yield(): void {
    if (this.#port !== undefined) this.#events.unbind(this.#port)
    this.#port = undefined
  }

  /** It came to nothing: goes on, and looks for what happened meanwhile. */
  regain(): void {
    this.#listen()
    this.look()
  }

  /** Looks at all domains now. */
  look(): void {
    for (const record of [...this.#domains.records()]) this.#lookAt(record)
  }

  [Symbol.dispose](): void {
    this.yield()
  }

  #listen(): void {
    const port = this.#events.bindVirq(VIRQ.DomExc)
    this.#port = port
    this.#events.listen(port, () => {
      this.look()
      this.#events.eoi(port)
    })
  }

  #lookAt(record: DomainRecord): void {
    const { domid } = record
    const state = this.#states.stateOf(domid)
    const domain = this.#domains.introduced(domid)
    const isGone = state === undefined || state === 'dying'
    if (domain === undefined) {
      // As long as it is dying, its builder may still be taking it down by the names that it has here.
      const wasServed = this.#lost.has(record)
      if (state !== undefined && !(isGone && wasServed)) return
      this.#domains.forget(record)
      if (this.#lost.delete(record)) this.#domains.tell(domid)
    } else if (isGone) {
      this.#lost.delete(record)
      this.#domains.release(domid)
    } else if (state === 'shutdown' && !domain.isShutDown) {
      domain.isShutDown = true
      this.#domains.shutDown(domain)
      this.#domains.tell(domid)
    }
  }
}
