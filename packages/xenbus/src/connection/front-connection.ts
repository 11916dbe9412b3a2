import type { Domid, GrantRef, Port, XenError } from '@split-driver/abi'
import type { GrantSharer, SharedPages } from '@split-driver/grant'
import { type Drained, drainResponses, FrontRing } from '@split-driver/ring'
import { type ConnectionHost, RingConnection } from './ring-connection.js'

export interface FrontConnectionOptions {
  readonly remoteDomid: Domid
  /** The larger of request and response; a multiple of 4. */
  readonly slotBytes: number
  /** Pages of the ring; default 1. */
  readonly ringPages?: number
  /** Copies and consumes one response; must not throw. */
  readonly take: (ring: FrontRing) => void
  /** The backend's index is impossible; called once. */
  readonly onBroken: (error: XenError) => void
}

/** The frontend's end: allocates and shares the ring, and opens the port that the backend binds. */
export class FrontConnection extends RingConnection {
  readonly ring: FrontRing
  /** One a page. */
  readonly refs: readonly GrantRef[]
  readonly #take: (ring: FrontRing) => void
  readonly #release: () => void

  /** @throws XenError ENOSPC; nothing is held then */
  static open(
    host: ConnectionHost & { readonly sharer: GrantSharer },
    options: FrontConnectionOptions,
  ): FrontConnection {
    const { remoteDomid, ringPages = 1 } = options
    const pages = host.sharer.share(remoteDomid, ringPages, 'writable')
    try {
      return new FrontConnection(host, host.events.bindUnboundPort(remoteDomid), pages, options)
    } catch (error) {
      host.sharer.unshare(pages)
      throw error
    }
  }

  private constructor(
    host: ConnectionHost & { readonly sharer: GrantSharer },
    port: Port,
    pages: SharedPages,
    { slotBytes, take, onBroken }: FrontConnectionOptions,
  ) {
    super(host, port, onBroken)
    this.ring = FrontRing.initialise(pages.memory, slotBytes)
    this.refs = pages.refs
    this.#take = take
    this.#release = () => host.sharer.unshare(pages)
    this.begin()
  }

  protected override publish(): boolean {
    return this.ring.pushRequests()
  }

  protected override drain(limit: number): Drained {
    return drainResponses(this.ring, limit, this.#take)
  }

  protected override release(): void {
    this.#release()
  }
}
