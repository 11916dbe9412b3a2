import type { Domid, GrantRef, Port, SharedMemory } from '@split-driver/abi'
import type { EventChannels } from '@split-driver/evtchn'
import type { GrantMapper, Mapping } from '@split-driver/grant'
import type { Client } from '../client/client.js'
import { DomainRing, type DomainRingOptions } from '../transport/domain-ring.js'
import type { DomainRecord } from './domain-record.js'

/** @see xen/include/public/grant_table.h GNTTAB_RESERVED_XENSTORE */
const XENSTORE_GRANT = 1 as GrantRef

export interface IntroducedDomainOptions extends Omit<DomainRingOptions, 'page' | 'port'> {
  readonly mapper: GrantMapper
  /** The ring page, where it is no grant's: its owner's to give up. */
  readonly ownPage?: SharedMemory | undefined
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
  #port: Port | undefined
  #remotePort: Port

  /** @throws XenError GNTST_* EINVAL ENOSPC; nothing is left mapped or bound then */
  constructor(options: IntroducedDomainOptions, remotePort: Port) {
    this.record = options.caller.domain
    this.#options = options
    this.#remotePort = remotePort
    if (options.ownPage === undefined) this.#mapping = options.mapper.map(this.#domid, [XENSTORE_GRANT], 'writable')
    this.#page = options.ownPage ?? this.#mapping!.page(0)
    try {
      this.#connect(remotePort)
    } catch (error) {
      this.#unmap()
      throw error
    }
  }

  /** `undefined` if it could not be served again after it was introduced anew. */
  get client(): Client | undefined {
    return this.#ring?.client
  }

  /** Ours, and the domain's. */
  get ports(): { readonly port: Port; readonly remotePort: Port } | undefined {
    return this.#port === undefined ? undefined : { port: this.#port, remotePort: this.#remotePort }
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
    this.#connect(remotePort)
  }

  /** Leaves no mapping and no port. */
  end(): void {
    this.#disconnect()
    this.#unmap()
  }

  /** Wakes whoever waits for a XenStore that answers, as dom0's kernel does since its boot. */
  announce(): void {
    if (this.#port !== undefined) this.#events.notify(this.#port)
  }

  #unmap(): void {
    if (this.#mapping !== undefined) this.#options.mapper.unmap(this.#mapping)
  }

  #connect(remotePort: Port): void {
    this.#remotePort = remotePort
    this.#port = this.#events.bindInterdomain(this.#domid, remotePort)
    try {
      this.#ring = new DomainRing({ ...this.#options, page: this.#page, port: this.#port })
      this.#ring.listen()
    } catch (error) {
      this.#disconnect()
      throw error
    }
  }

  #disconnect(): void {
    this.#ring?.end()
    this.#ring = undefined
    if (this.#port !== undefined) this.#events.unbind(this.#port)
    this.#port = undefined
  }
}
