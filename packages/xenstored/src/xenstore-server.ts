import { DOM0, type Domid, type FrameNumber, type Port, type SharedMemory, XenError } from '@split-driver/abi'
import type { InheritedPorts } from '@split-driver/evtchn'
import type { DomainStates, Platform } from '@split-driver/platform'
import type { ByteChannel, XenStoreRingError } from '@split-driver/xenbus'
import { EventEmitter } from 'events'
import type TypedEmitter from 'typed-emitter'
import type { Client } from './client/client.js'
import { TurnQueue } from './client/turn-queue.js'
import { removeEstate } from './domains/domain-death.js'
import { DomainEnds, type EndingDomains } from './domains/domain-ends.js'
import type { Caller, DomainRecord } from './domains/domain-record.js'
import { IntroducedDomain, type IntroducedDomainOptions } from './domains/introduced-domain.js'
import { newStoreHost } from './new-store-host.js'
import { DurableChannel } from './state/journal/durable-channel.js'
import { type ResumeOptions, restoreClients, restoreTargets, type SavedRing } from './state/restore-server.js'
import { restoreTransactions } from './state/restore-transactions.js'
import { type SaveOptions, saveServer } from './state/save-server.js'
import type { NumberedTrees } from './state/tree-numbers.js'
import type { DomainControl, StoreHost } from './store-host.js'
import { AcceptedChannel } from './transport/accepted-channel.js'
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

/** Who a channel's other end is. */
export interface AcceptedAs {
  /** Relative paths begin at /local/domain/<domid>. */
  readonly domid: Domid
  readonly privileged: boolean
}

/**
 * XenStore's daemon: one tree, for domains behind ring pages and for whoever comes through a channel. It asks its domain
 * only to map ring pages and to bind event channels; disposing it leaves none of either.
 */
export class XenstoreServer extends Emitter implements DomainControl, Disposable {
  readonly #platform: ServerPlatform
  readonly #host: StoreHost
  readonly #control: Caller
  readonly #turns: TurnQueue
  readonly #introduced = new Map<Domid, IntroducedDomain>()
  readonly #accepted = new Set<AcceptedChannel>()
  readonly #ends: DomainEnds | undefined
  #disposed = false
  readonly #controlPage: SharedMemory | undefined

  /**
   * @param platform the machine as the domain that runs this server sees it
   * @throws XenError EEXIST EPERM EINVAL if the control domain's ring or the machine's word of ends cannot be had
   */
  constructor(platform: ServerPlatform, options: XenstoreServerOptions = {}) {
    super()
    this.#platform = platform
    this.#turns = new TurnQueue(platform.clock)
    const { host, trees } = newStoreHost({
      options,
      clock: platform.clock,
      onMemory: (domid, level) => this.emit('memory', domid, level),
      domains: this,
    })
    this.#host = host
    this.#controlPage = options.controlRing?.page
    this.#control = { domain: host.records.of(options.controlDomid ?? DOM0), privileged: true }
    const { domainStates, controlRing, resume } = options
    const lost = resume && trees ? this.#resume(resume, trees) : []
    if (domainStates) this.#ends = this.#watchEnds(domainStates)
    this.#ends?.begin(lost)
    if (controlRing && !this.isIntroduced(this.#control.domain.domid)) this.#serveControl(controlRing)
  }

  /** All that this server is, for another to go on with. Synchronous, so that nothing happens while it is written. */
  save(options: SaveOptions = {}): Uint8Array {
    this.#host.journal?.flush()
    const served = { accepted: this.#accepted, introduced: this.#introduced.values() }
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
        const client = this.#takeRing(domid, ring)
        if (client === undefined) lost.push(this.#host.records.of(domid))
        return client
      },
    })
    restoreTargets(state, this.#host)
    restoreTransactions(state.supplement, clients, trees, this.#host)
    return lost
  }

  /** A domain may have ended since the state was saved. */
  #takeRing(domid: Domid, { port, remotePort, shutDown }: SavedRing): Client | undefined {
    if (this.#introduced.has(domid)) throw new XenError('EPROTO', `state: domain ${domid} has two rings`)
    const { inheritedPorts: ports } = this.#platform
    const ownPage = domid === this.#control.domain.domid ? this.#controlPage : undefined
    if (ports === undefined && remotePort === undefined) return undefined
    try {
      const introduced = this.#newDomain(
        domid,
        (options) =>
          ports === undefined
            ? IntroducedDomain.introduce(options, remotePort!)
            : IntroducedDomain.inherit(options, ports, port),
        ownPage,
      )
      introduced.isShutDown = shutDown
      this.#introduced.set(domid, introduced)
      return introduced.client
    } catch (error) {
      if (XenError.is(error)) return undefined
      throw error
    }
  }

  introduce(domid: Domid, _frame: FrameNumber, port: Port): void {
    const introduced = this.#introduced.get(domid)
    if (introduced !== undefined) {
      introduced.reconnect(port)
      return
    }
    this.#introduced.set(
      domid,
      this.#newDomain(domid, (options) => IntroducedDomain.introduce(options, port)),
    )
    if (domid !== this.#control.domain.domid) this.#happen(INTRODUCE_DOMAIN, domid)
    this.emit('introduced', domid)
  }

  release(domid: Domid): void {
    const introduced = this.#guest(domid)
    const { record } = introduced
    this.#introduced.delete(domid)
    introduced.end()
    this.#bury(record)
    this.#happen(RELEASE_DOMAIN, domid)
    this.emit('released', domid)
  }

  isIntroduced(domid: Domid): boolean {
    return this.#introduced.has(domid)
  }

  resume(domid: Domid): void {
    this.#guest(domid).isShutDown = false
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
    for (const introduced of this.#introduced.values()) introduced.end()
    this.#introduced.clear()
  }

  #watchEnds(states: DomainStates): DomainEnds {
    const { records } = this.#host
    const control = this.#control.domain
    const domains: EndingDomains = {
      records: () => [...records.all()].filter((record) => record !== control),
      introduced: (domid) => this.#introduced.get(domid),
      release: (domid) => this.release(domid),
      forget: (record) => this.#bury(record),
      tell: (domid) => this.#happen(RELEASE_DOMAIN, domid),
    }
    return new DomainEnds(this.#platform.events, states, domains, control.domid)
  }

  #serveControl({ page, port }: NonNullable<XenstoreServerOptions['controlRing']>): void {
    const { domid } = this.#control.domain
    const control = this.#newDomain(domid, (options) => IntroducedDomain.introduce(options, port), page)
    this.#introduced.set(domid, control)
    control.announce()
  }

  /** What a domain had here goes: connections, what it owned, and every right that names this life of it. */
  #bury(record: DomainRecord): void {
    this.#host.store.actor = undefined
    for (const accepted of this.#accepted) if (accepted.record === record) this.#drop(accepted)
    this.#host.records.end(record)
    this.#host.recorder?.died(record.domid)
    removeEstate(this.#host.store, record, this.#control)
  }

  #newDomain(
    domid: Domid,
    make: (options: IntroducedDomainOptions) => IntroducedDomain,
    ownPage?: SharedMemory,
  ): IntroducedDomain {
    const { events, mapper } = this.#platform
    const { records } = this.#host
    const isNew = !records.knows(domid)
    const domain = records.of(domid)
    const caller = { domain, privileged: domain === this.#control.domain }
    const onBroken = (error: XenStoreRingError): void => void this.emit('broken', domid, error)
    const shared = { host: this.#host, events, mapper, turns: this.#turns }
    try {
      return make({ ...shared, caller, onBroken, ownPage })
    } catch (error) {
      // A domain that there is not must not be known for having been named.
      if (isNew) records.end(domain)
      throw error
    }
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
