import { DOM0, type Domid, type FrameNumber, type Port, XenError } from '@split-driver/abi'
import type { EventChannels, InheritedPorts } from '@split-driver/evtchn'
import type { DomainStates, Platform } from '@split-driver/platform'
import type { ByteChannel } from '@split-driver/xenbus'
import { EventEmitter } from 'events'
import type TypedEmitter from 'typed-emitter'
import type { Client } from './client/client.js'
import { TurnQueue } from './client/turn-queue.js'
import { removeEstate } from './domains/domain-death.js'
import { DomainEnds, type EndingDomains } from './domains/domain-ends.js'
import type { Caller, DomainRecord } from './domains/domain-record.js'
import type { IntroducedDomain } from './domains/introduced-domain.js'
import { IntroducedDomains } from './domains/introduced-domains.js'
import { beginJournal, newStoreHost } from './new-store-host.js'
import { DurableChannel } from './state/journal/durable-channel.js'
import { stillThere } from './state/journal/found-rings.js'
import type { FoundState } from './state/journal/journal.js'
import { type ResumeOptions, restoreClients, restoreTargets } from './state/restore-server.js'
import { restoreTransactions } from './state/restore-transactions.js'
import { type SaveOptions, saveServer } from './state/save-server.js'
import type { NumberedTrees } from './state/tree-numbers.js'
import type { DomainControl, StoreHost } from './store-host.js'
import { type AcceptedAs, AcceptedChannel } from './transport/accepted-channel.js'
import { INTRODUCE_DOMAIN, RELEASE_DOMAIN } from './tree/initial-tree.js'
import type { XenstoreServerEvents } from './xenstore-server-events.js'
import type { XenstoreServerOptions } from './xenstore-server-options.js'

/**
 * What a server asks of its machine. Without a clock a domain that takes much memory is told of only once, and nobody is held
 * who spoils the control domain's transactions.
 */
export interface ServerPlatform extends Pick<Platform, 'events' | 'mapper'>, Partial<Pick<Platform, 'clock'>> {
  /** Domains' ports that the server before this one has left, which a `resume` then tells of. */
  readonly inheritedPorts?: InheritedPorts | undefined
}

/** What a domain has open here. */
export interface Holdings {
  readonly domid: Domid
  readonly watches: number
  readonly transactions: number
}

const Emitter = EventEmitter as unknown as new () => TypedEmitter<XenstoreServerEvents>

/**
 * XenStore's daemon: one tree, for domains behind ring pages and for whoever comes through a channel. It asks its domain
 * only to map ring pages and to bind event channels; disposing it leaves none of either.
 */
export class XenstoreServer extends Emitter implements DomainControl, Disposable {
  readonly #host: StoreHost
  readonly #control: Caller
  readonly #turns: TurnQueue
  readonly #introduced: IntroducedDomains
  readonly #accepted = new Set<AcceptedChannel>()
  readonly #ends: DomainEnds | undefined
  #disposed = false

  /**
   * @param platform the machine as the domain that runs this server sees it
   * @throws XenError EEXIST EPERM EINVAL if the control domain's ring or the machine's word of ends cannot be had
   */
  constructor(platform: ServerPlatform, options: XenstoreServerOptions = {}) {
    super()
    this.#turns = new TurnQueue(platform.clock)
    const { host, trees } = newStoreHost({
      options,
      clock: platform.clock,
      onMemory: (domid, level) => this.emit('memory', domid, level),
      domains: this,
    })
    this.#host = host
    this.#control = { domain: host.records.of(options.controlDomid ?? DOM0), privileged: true }
    this.#introduced = new IntroducedDomains({
      ...{ platform, host, control: this.#control, turns: this.#turns },
      ...{ controlRing: options.controlRing, domainStates: options.domainStates },
      onBroken: (domid, error) => this.emit('broken', domid, error),
    })
    const { domainStates, resume } = options
    const lost = resume && trees ? this.#resume(resume, trees) : this.#takeFound(host.journal?.found, domainStates)
    if (domainStates) this.#ends = this.#watchEnds(platform.events, domainStates)
    this.#ends?.begin(lost)
    this.#introduced.serveControl()
    beginJournal(host, this.#introduced)
  }

  /**
   * All that this server is, for another to go on with. Synchronous, so that nothing happens while it is written.
   * @throws XenError EBUSY while its journal cannot be written: whoever goes on would have to begin with that
   */
  save(options: SaveOptions = {}): Uint8Array {
    const { journal } = this.#host
    journal?.flush()
    if (journal?.pending) throw new XenError('EBUSY', 'the journal cannot be written now')
    const served = { accepted: this.#accepted, introduced: this.#introduced }
    return saveServer(this.#host, { ...served, controlDomid: this.#control.domain.domid }, options)
  }

  /**
   * Another program takes this one's place: what only one of this domain can have is free for it meanwhile.
   * @param become returns only by throwing, and then all is as before
   */
  yieldTo(become: () => never): never {
    this.#ends?.yield()
    try {
      return become()
    } finally {
      this.#ends?.regain()
    }
  }

  /** Serves nobody any more and closes no connection: another goes on with them. */
  handOver(): void {
    for (const accepted of this.#accepted) accepted.leave()
    this.#accepted.clear()
    this[Symbol.dispose]()
  }

  /** Serves whoever is at the channel's other end, until either closes it. */
  accept(channel: ByteChannel, as: AcceptedAs): void {
    this.#accept(channel, as)
  }

  #accept(channel: ByteChannel, { domid, privileged }: AcceptedAs): Client {
    const caller = { domain: this.#host.records.of(domid), privileged }
    const { journal } = this.#host
    const durable = journal === undefined ? channel : new DurableChannel(channel, journal)
    const accepted = new AcceptedChannel(caller, durable, this.#host, this.#turns, () =>
      this.#accepted.delete(accepted),
    )
    this.#accepted.add(accepted)
    return accepted.client
  }

  /**
   * Rings go on where they were: what lies in them is neither lost nor seen twice.
   * @returns domains whose ring cannot be had any more
   */
  #resume(resume: ResumeOptions, trees: NumberedTrees): DomainRecord[] {
    const { state } = resume
    const lost: DomainRecord[] = []
    const clients = restoreClients(resume, {
      takeChannel: (channel, as) => this.#accept(channel, as),
      takeRing: (domid, ring) => {
        const client = this.#introduced.takeSaved(domid, ring)
        if (client === undefined) lost.push(this.#host.records.of(domid))
        return client
      },
    })
    restoreTargets(state, this.#host)
    restoreTransactions(state.supplement, clients, trees, this.#host)
    return lost
  }

  /**
   * Rings that a server has left that was killed: those go on whose domain is the one that it was.
   * @returns domains whose ring cannot be had any more
   */
  #takeFound(found: FoundState | undefined, states: DomainStates | undefined): DomainRecord[] {
    if (found === undefined) return []
    const { records } = this.#host
    const { there, gone } = stillThere(found, states, this.#control.domain.domid)
    for (const { domid } of gone) this.#bury(records.of(domid))
    const lost = there.filter((ring) => this.#introduced.takeFound(ring) === undefined)
    for (const { domid, target } of there)
      if (target !== undefined && this.isIntroduced(target)) records.of(domid).target = records.of(target)
    return lost.map(({ domid }) => records.of(domid))
  }

  introduce(domid: Domid, _frame: FrameNumber, port: Port): void {
    if (!this.#introduced.introduce(domid, port)) return
    if (domid !== this.#control.domain.domid) this.#happen(INTRODUCE_DOMAIN, domid)
    this.emit('introduced', domid)
  }

  release(domid: Domid): void {
    const introduced = this.#guest(domid)
    const { record } = introduced
    this.#introduced.end(introduced)
    this.#bury(record)
    this.#happen(RELEASE_DOMAIN, domid)
    this.emit('released', domid)
  }

  isIntroduced(domid: Domid): boolean {
    return this.#introduced.has(domid)
  }

  resume(domid: Domid): void {
    const guest = this.#guest(domid)
    guest.isShutDown = false
    this.#host.recorder?.shutDown(guest)
  }

  /** What the domains have open now, over all their connections; those that have nothing are left out. */
  holdings(): Holdings[] {
    const all = [...this.#host.records.all()].map(({ domid, account: { used } }) => ({
      domid,
      watches: used.watches,
      transactions: used.transactions,
    }))
    return all.filter(({ watches, transactions }) => watches + transactions > 0)
  }

  /** Serves nobody any more. Idempotent. */
  [Symbol.dispose](): void {
    if (this.#disposed) return
    this.#disposed = true
    this.#ends?.[Symbol.dispose]()
    this.#host.holds[Symbol.dispose]()
    for (const accepted of this.#accepted) this.#drop(accepted)
    this.#introduced.endAll()
  }

  #watchEnds(events: EventChannels, states: DomainStates): DomainEnds {
    const { records } = this.#host
    const control = this.#control.domain
    const domains: EndingDomains = {
      records: () => [...records.all()].filter((record) => record !== control),
      introduced: (domid) => this.#introduced.get(domid),
      release: (domid) => this.release(domid),
      forget: (record) => this.#bury(record),
      shutDown: (domain) => this.#host.recorder?.shutDown(domain),
      tell: (domid) => this.#happen(RELEASE_DOMAIN, domid),
    }
    return new DomainEnds(events, states, domains, control.domid)
  }

  /** What a domain had here goes: connections, what it owned, and every right that names this life of it. */
  #bury(record: DomainRecord): void {
    this.#host.store.actor = undefined
    for (const accepted of this.#accepted) if (accepted.record === record) this.#drop(accepted)
    this.#host.records.end(record)
    this.#host.recorder?.died(record.domid)
    removeEstate(this.#host.store, record, this.#control)
  }

  /** @throws XenError ENOENT EINVAL */
  #guest(domid: Domid): IntroducedDomain {
    if (domid === this.#control.domain.domid) throw new XenError('EINVAL', 'that is the control domain')
    const introduced = this.#introduced.get(domid)
    if (introduced !== undefined) return introduced
    throw new XenError('ENOENT', `domain ${domid} is not introduced`, { detail: { domid } })
  }

  #drop(accepted: AcceptedChannel): void {
    this.#accepted.delete(accepted)
    accepted.end()
  }

  /** Something befell a domain that is no change of the tree. */
  #happen(happening: string, domid: Domid): void {
    this.#host.watches.happen(happening, domid, this.#host.store.tree)
  }
}
