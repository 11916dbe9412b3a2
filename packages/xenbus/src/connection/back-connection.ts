import type { Domid, GrantRef, Port, XenError } from '@split-driver/abi'
import type { GrantMapper, Mapping } from '@split-driver/grant'
import { BackRing, type Drained, drainRequests } from '@split-driver/ring'
import { type ConnectionHost, RingConnection } from './ring-connection.js'

export interface BackConnectionOptions {
  readonly remoteDomid: Domid
  /** One a page of the ring, as the frontend published them. */
  readonly refs: readonly GrantRef[]
  /** The frontend's port. */
  readonly remotePort: Port
  /** The larger of request and response; a multiple of 4. */
  readonly slotBytes: number
  /** Copies, consumes and, now or later, answers one request; must not throw. What it answers at once is pushed for it. */
  readonly take: (ring: BackRing) => void
  /** The frontend's index is impossible; called once. */
  readonly onBroken: (error: XenError) => void
}

/** The backend's end: maps the ring that the frontend shares, and binds its port. */
export class BackConnection extends RingConnection {
  readonly ring: BackRing
  readonly #take: (ring: BackRing) => void
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
    { slotBytes, take, onBroken }: BackConnectionOptions,
  ) {
    super(host, port, onBroken)
    this.ring = BackRing.attach(mapping.memory, slotBytes)
    this.#take = take
    this.#release = () => host.mapper.unmap(mapping)
    this.begin()
  }

  protected override publish(): boolean {
    return this.ring.pushResponses()
  }

  protected override drain(limit: number): Drained {
    return drainRequests(this.ring, limit, this.#take)
  }

  protected override release(): void {
    this.#release()
  }
}
