import type { Domid, GrantRef, Port, XenError } from '@split-driver/abi'
import type { GrantSharer, SharedPages } from '@split-driver/grant'
import { drainResponses, FrontRing } from '@split-driver/ring'
import type { KeysToWrite } from '../keys/key-set.js'
import { type ConnectionHost, RingConnection, type Served } from './ring-connection.js'
import { ringKeys } from './ring-keys.js'

export interface FrontConnectionOptions {
  readonly remoteDomid: Domid
  /** The larger of request and response; a multiple of 4. */
  readonly slotBytes: number
  /** Pages of the ring; default 1. */
  readonly ringPages?: number
  /**
   * One pass: takes at most `limit` responses, pushes what it put into the ring, and tells how it ended; must not throw.
   * `eachResponse` is the usual one.
   */
  readonly serve: (connection: FrontConnection, limit: number) => Served
  /** The backend's index is impossible; called once. */
  readonly onBroken: (error: XenError) => void
}

/** The frontend's end: allocates and shares the ring, and opens the port that the backend binds. */
export class FrontConnection extends RingConnection {
  readonly ring: FrontRing
  /** One a page. */
  readonly refs: readonly GrantRef[]
  readonly #serve: FrontConnectionOptions['serve']
  readonly #release: () => void

  /** For a ring of one page: what the backend reads by `ringKeys`. */
  get keys(): KeysToWrite {
    return ringKeys.format({ 'ring-ref': this.refs[0], 'event-channel': this.port })
  }

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
    { slotBytes, serve, onBroken }: FrontConnectionOptions,
  ) {
    super(host, port, onBroken)
    this.ring = FrontRing.initialise(pages.memory, slotBytes)
    this.refs = pages.refs
    this.#serve = serve
    this.#release = () => host.sharer.unshare(pages)
    this.begin()
  }

  protected override publish(): boolean {
    return this.ring.pushRequests()
  }

  protected override serve(limit: number): Served {
    return this.#serve(this, limit)
  }

  protected override taken(): number {
    return this.ring.rspCons
  }

  protected override release(): void {
    this.#release()
  }
}

/** A pass that hands out one response after the other. @param take copies and consumes one; must not throw */
export const eachResponse =
  (take: (ring: FrontRing) => void): FrontConnectionOptions['serve'] =>
  ({ ring }, limit) =>
    drainResponses(ring, limit, take)
