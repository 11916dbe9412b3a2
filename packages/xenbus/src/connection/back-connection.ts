import type { Domid, GrantRef, Port, XenError } from '@split-driver/abi'
import type { GrantMapper, Mapping } from '@split-driver/grant'
import { BackRing, drainRequests } from '@split-driver/ring'
import { type ConnectionHost, RingConnection, type Served } from './ring-connection.js'

export interface BackConnectionOptions {
  readonly remoteDomid: Domid
  /** One a page of the ring, as the frontend published them. */
  readonly refs: readonly GrantRef[]
  /** The frontend's port. */
  readonly remotePort: Port
  /** The larger of request and response; a multiple of 4. */
  readonly slotBytes: number
  /**
   * One pass: takes at most `limit` requests, pushes what it put into the ring, and tells how it ended; must not throw.
   * `eachRequest` is the usual one.
   */
  readonly serve: (connection: BackConnection, limit: number) => Served
  /** The frontend's index is impossible; called once. */
  readonly onBroken: (error: XenError) => void
}

/** The backend's end: maps the ring that the frontend shares, and binds its port. */
export class BackConnection extends RingConnection {
  readonly ring: BackRing
  readonly #serve: BackConnectionOptions['serve']
  readonly #release: () => void

  /** @throws XenError GNTST_* EINVAL: what the frontend named is not granted, or not offered to us; nothing is held then */
  static open(host: ConnectionHost & { readonly mapper: GrantMapper }, options: BackConnectionOptions): BackConnection {
    const { remoteDomid, refs, remotePort } = options
    const mapping = host.mapper.map(remoteDomid, refs, 'writable')
    try {
      return new BackConnection(host, host.events.bindInterdomain(remoteDomid, remotePort), mapping, options)
    } catch (error) {
      host.mapper.unmap(mapping)
      throw error
    }
  }

  private constructor(
    host: ConnectionHost & { readonly mapper: GrantMapper },
    port: Port,
    mapping: Mapping,
    { slotBytes, serve, onBroken }: BackConnectionOptions,
  ) {
    super(host, port, onBroken)
    this.ring = BackRing.attach(mapping.memory, slotBytes)
    this.#serve = serve
    this.#release = () => host.mapper.unmap(mapping)
    this.begin()
  }

  protected override publish(): boolean {
    return this.ring.pushResponses()
  }

  protected override serve(limit: number): Served {
    return this.#serve(this, limit)
  }

  protected override taken(): number {
    return this.ring.reqCons
  }

  protected override release(): void {
    this.#release()
  }
}

/**
 * A pass that hands out one request after the other, and pushes what was answered meanwhile.
 * @param take copies, consumes and, now or later, answers one; must not throw
 */
export const eachRequest =
  (take: (ring: BackRing) => void): BackConnectionOptions['serve'] =>
  (connection, limit) => {
    const served = drainRequests(connection.ring, limit, take)
    connection.push()
    return served
  }
