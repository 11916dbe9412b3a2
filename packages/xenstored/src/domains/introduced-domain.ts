import type { Domid, GrantRef, Port, SharedMemory } from '@split-driver/abi'
import type { EventChannels, InheritedPorts } from '@split-driver/evtchn'
import type { GrantMapper, Mapping } from '@split-driver/grant'
import type { Client } from '../client/client.js'
import { DomainRing, type DomainRingOptions } from '../transport/domain-ring.js'
import type { RingProgress } from '../transport/kept-ring.js'
import type { DomainRecord } from './domain-record.js'

/** @see xen/include/public/grant_table.h GNTTAB_RESERVED_XENSTORE */
const XENSTORE_GRANT = 1 as GrantRef

export interface IntroducedDomainOptions extends Omit<DomainRingOptions, 'page' | 'port'> {
  readonly mapper: GrantMapper
  /** The ring page, where it is no grant's: its owner's to give up. */
  readonly ownPage?: SharedMemory | undefined
  /** Which life of the domid this is, where the machine tells. */
  readonly uuid?: string | undefined
}

/** The two ends of a domain's event channel: ours, and the domain's, which is `undefined` if it has closed that. */
export interface ChannelPorts {
  readonly port: Port
  readonly remotePort: Port | undefined
}

/** A domain that is served through its ring page: the page that is mapped and the port that is bound for it. */
export class IntroducedDomain {
  readonly record: DomainRecord
  /** It has shut down, and whoever watches for ends was told; until RESUME. */
  isShutDown = false
  readonly #options: IntroducedDomainOptions
  readonly #mapping: Mapping | undefined
  readonly #page: SharedMemory
  #ring: DomainRing | undefined
  #ports: ChannelPorts | undefined

  /** As it was left for us. @throws XenError GNTST_* EINVAL ENOSPC; nothing is left mapped or bound then */
  static introduce(options: IntroducedDomainOptions, remotePort: Port): IntroducedDomain {
    return new IntroducedDomain(options, bind(options, remotePort))
  }

  /**
   * As another program had it, whose port is ours now.
   * @throws XenError EINVAL EEXIST if that cannot be, GNTST_*; nothing is left mapped or bound then
   */
  static inherit(options: IntroducedDomainOptions, ports: InheritedPorts, port: Port): IntroducedDomain {
    const remotePort = ports.adopt(options.caller.domain.domid, port)
    return new IntroducedDomain(options, { port, remotePort })
  }

  private constructor(options: IntroducedDomainOptions, ports: ChannelPorts) {
    this.record = options.caller.domain
    this.#options = options
    this.#ports = ports
    try {
      if (options.ownPage === undefined) this.#mapping = options.mapper.map(this.#domid, [XENSTORE_GRANT], 'writable')
      this.#page = options.ownPage ?? this.#mapping!.page(0)
      this.#serve(options, ports)
    } catch (error) {
      this.end()
      throw error
    }
  }

  /** `undefined` if it could not be served again after it was introduced anew. */
  get client(): Client | undefined {
    return this.#ring?.client
  }

  get ports(): ChannelPorts | undefined {
    return this.#ports
  }

  /** The domain's own. */
  get remotePort(): Port | undefined {
    return this.#ports?.remotePort
  }

  /** Which life of its domid this is, where the machine tells. */
  get uuid(): string | undefined {
    return this.#options.uuid
  }

  /** How far its conversation has come, where there is a journal. */
  get progress(): RingProgress | undefined {
    return this.#ring?.progress
  }

  /** What is written down is done in the page, too, for whoever takes it up. */
  settle(): void {
    this.#ring?.settle()
  }

  get #domid(): Domid {
    return this.record.domid
  }

  get #events(): EventChannels {
    return this.#options.events
  }

  /** Another event channel, and nothing of what was before. @throws XenError EINVAL ENOSPC; it is not served then */
  reconnect(remotePort: Port): void {
    this.#disconnect()
    DomainRing.reset(this.#page)
    this.#ports = bind(this.#options, remotePort)
    try {
      this.#serve({ ...this.#options, found: undefined }, this.#ports)
    } catch (error) {
      this.#disconnect()
      throw error
    }
  }

  /** Leaves no mapping and no port. */
  end(): void {
    this.#disconnect()
    if (this.#mapping !== undefined) this.#options.mapper.unmap(this.#mapping)
  }

  /** Wakes whoever waits for a XenStore that answers, as dom0's kernel does since its boot. */
  announce(): void {
    if (this.#ports !== undefined) this.#events.notify(this.#ports.port)
  }

  #serve(options: IntroducedDomainOptions, { port }: ChannelPorts): void {
    this.#ring = new DomainRing({ ...options, page: this.#page, port })
    this.#ring.listen()
  }

  #disconnect(): void {
    this.#ring?.end()
    this.#ring = undefined
    if (this.#ports !== undefined) this.#events.unbind(this.#ports.port)
    this.#ports = undefined
  }
}

const bind = ({ events, caller }: IntroducedDomainOptions, remotePort: Port): ChannelPorts => ({
  port: events.bindInterdomain(caller.domain.domid, remotePort),
  remotePort,
})
