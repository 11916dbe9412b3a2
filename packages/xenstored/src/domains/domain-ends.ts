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
  readonly #port: Port

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
    this.#port = events.bindVirq(VIRQ.DomExc)
    events.listen(this.#port, () => {
      this.look()
      events.eoi(this.#port)
    })
  }

  /**
   * Looks for what happened while nobody listened: the interrupt does not tell of it.
   * @param lost domains of the server before this one whose ring cannot be had any more
   */
  begin(lost: readonly DomainRecord[]): void {
    for (const record of lost) {
      const state = this.#states.stateOf(record.domid)
      if (state !== undefined && state !== 'dying') continue
      this.#domains.forget(record)
      this.#domains.tell(record.domid)
    }
    this.look()
  }

  /** Looks at all domains now. */
  look(): void {
    for (const record of [...this.#domains.records()]) this.#lookAt(record)
  }

  [Symbol.dispose](): void {
    this.#events.unbind(this.#port)
  }

  #lookAt(record: DomainRecord): void {
    const { domid } = record
    const state = this.#states.stateOf(domid)
    const domain = this.#domains.introduced(domid)
    const isGone = state === undefined || state === 'dying'
    if (domain === undefined) {
      // As long as it is dying, its builder may still be taking it down by the names that it has here.
      if (state === undefined) this.#domains.forget(record)
    } else if (isGone) {
      this.#domains.release(domid)
    } else if (state === 'shutdown' && !domain.isShutDown) {
      domain.isShutDown = true
      this.#domains.tell(domid)
    }
  }
}
