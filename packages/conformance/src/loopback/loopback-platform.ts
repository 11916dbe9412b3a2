import type { Domid, GrantRef, Port, Virq } from '@split-driver/abi'
import type { EventChannels, EventOutcome } from '@split-driver/evtchn'
import type {
  GrantAccess,
  GrantCopyEnd,
  GrantMapper,
  GrantSharer,
  Mapping,
  SharedPages,
  UnmapNotice,
  UnmapNotifier,
} from '@split-driver/grant'
import type { Capabilities, Clock, Platform } from '@split-driver/platform'
import type { LoopbackDomains } from './loopback-domains.js'
import { LoopbackXenStore } from './loopback-xenstore.js'

/** One domain of a loopback world: a platform of the one real domain that goes by a number of its own. */
export class LoopbackPlatform implements Platform {
  readonly events: EventChannels
  readonly sharer: GrantSharer
  readonly mapper: GrantMapper
  readonly xenstore: LoopbackXenStore
  readonly supports: Capabilities
  readonly #below: Platform

  constructor(
    below: Platform,
    readonly domid: Domid,
    domains: LoopbackDomains,
    readonly clock: Clock,
  ) {
    this.#below = below
    this.events = new LoopbackEvents(below.events, domains)
    this.sharer = new LoopbackSharer(below.sharer, domains)
    this.mapper = new LoopbackMapper(below.mapper, domains)
    this.xenstore = new LoopbackXenStore(below.xenstore, domid, domains)
    this.supports = { ...below.supports, separateDomains: false }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#below[Symbol.asyncDispose]()
  }
}

class LoopbackEvents implements EventChannels {
  constructor(
    private readonly below: EventChannels,
    private readonly domains: LoopbackDomains,
  ) {}

  bindUnboundPort(remoteDomid: Domid): Port {
    return this.below.bindUnboundPort(this.domains.real(remoteDomid))
  }

  bindInterdomain(remoteDomid: Domid, remotePort: Port): Port {
    return this.below.bindInterdomain(this.domains.real(remoteDomid), remotePort)
  }

  bindVirq(virq: Virq): Port {
    return this.below.bindVirq(virq)
  }

  bindIpi(): Port {
    return this.below.bindIpi()
  }

  notify(port: Port): void {
    this.below.notify(port)
  }

  listen(port: Port, handler: (port: Port) => void): void {
    this.below.listen(port, handler)
  }

  eoi(port: Port, outcome?: EventOutcome): void {
    this.below.eoi(port, outcome)
  }

  mask(port: Port): void {
    this.below.mask(port)
  }

  unmask(port: Port): void {
    this.below.unmask(port)
  }

  unbind(port: Port): void {
    this.below.unbind(port)
  }
}

class LoopbackSharer implements GrantSharer, UnmapNotifier<SharedPages> {
  constructor(
    private readonly below: GrantSharer & Partial<UnmapNotifier<SharedPages>>,
    private readonly domains: LoopbackDomains,
  ) {}

  share(remoteDomid: Domid, pageCount: number, access: GrantAccess): SharedPages {
    return this.below.share(this.domains.real(remoteDomid), pageCount, access)
  }

  unshare(pages: SharedPages): number {
    return this.below.unshare(pages)
  }

  reclaim(): number {
    return this.below.reclaim()
  }

  notifyOnUnmap(pages: SharedPages, notice: UnmapNotice): void {
    this.below.notifyOnUnmap?.(pages, notice)
  }
}

class LoopbackMapper implements GrantMapper, UnmapNotifier<Mapping> {
  constructor(
    private readonly below: GrantMapper & Partial<UnmapNotifier<Mapping>>,
    private readonly domains: LoopbackDomains,
  ) {}

  map(remoteDomid: Domid, refs: readonly GrantRef[], access: GrantAccess): Mapping {
    const realRefs = refs.map((ref) => this.domains.realRef(remoteDomid, ref))
    return this.below.map(this.domains.real(remoteDomid), realRefs, access)
  }

  unmap(mapping: Mapping): void {
    this.below.unmap(mapping)
  }

  copyFrom(remoteDomid: Domid, source: GrantCopyEnd, target: Uint8Array): void {
    this.below.copyFrom(this.domains.real(remoteDomid), source, target)
  }

  copyTo(remoteDomid: Domid, source: Uint8Array, target: GrantCopyEnd): void {
    this.below.copyTo(this.domains.real(remoteDomid), source, target)
  }

  notifyOnUnmap(mapping: Mapping, notice: UnmapNotice): void {
    this.below.notifyOnUnmap?.(mapping, notice)
  }
}
