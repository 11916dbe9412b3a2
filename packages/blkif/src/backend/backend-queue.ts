import type { XenError } from '@split-driver/abi'
import type { Platform } from '@split-driver/platform'
import type { BackRing } from '@split-driver/ring'
import { BackConnection, type Otherend } from '@split-driver/xenbus'
import type { RingAddress } from '../wire/ring-keys.js'
import { TransientPages } from './guest-pages.js'
import { PersistentPages } from './persistent-pages.js'
import { RequestEngine, type RequestEngineOptions } from './request-engine.js'
import { Sweeper } from './sweeper.js'

export interface BackendQueueOptions extends Pick<RequestEngineOptions, 'store' | 'disk' | 'stats' | 'onStoreError'> {
  readonly platform: Platform
  readonly otherend: Otherend
  readonly address: RingAddress
  /** Most pages to keep mapped between requests; 0 if the frontend does not name the same ones again. */
  readonly persistentPages: number
  /** The frontend broke the protocol; nothing more is served. */
  readonly onBroken: (error: XenError) => void
}

/** One ring and its port, from connection to disconnection: an event wakes the engine, the engine decides. */
export class BackendQueue {
  readonly #options: BackendQueueOptions
  readonly #connection: BackConnection
  readonly #pages: TransientPages | PersistentPages
  readonly #sweeper: Sweeper | undefined
  #engine: RequestEngine | undefined

  /**
   * Maps the ring, binds the port and begins to serve.
   * @throws XenError GNTST_*, EINVAL: what the frontend named is not granted or not bound to us; nothing is held then
   */
  constructor(options: BackendQueueOptions) {
    const { platform, otherend, address, onBroken, persistentPages, stats } = options
    const { mapper, clock } = platform
    const pagesOptions = { mapper, remoteDomid: otherend.domid, stats }
    this.#options = options
    if (persistentPages > 0) {
      const pages = new PersistentPages({ ...pagesOptions, limit: persistentPages })
      this.#pages = pages
      this.#sweeper = new Sweeper(clock, () => pages.sweep())
    } else this.#pages = new TransientPages(pagesOptions)
    this.#connection = BackConnection.open(platform, {
      remoteDomid: otherend.domid,
      refs: address.refs,
      remotePort: address.port,
      slotBytes: address.abi.slotBytes,
      serve: ({ ring }, limit) => {
        this.#sweeper?.start()
        return this.#engineOf(ring).serve(limit)
      },
      onBroken,
    })
  }

  /** The disk has so many sectors from the next request on. */
  resize(sectors: number): void {
    this.#options.disk.sectors = sectors
  }

  /** Takes no more requests, finishes those in work, and lets go of ring and port. */
  async stop(): Promise<void> {
    this.#connection.stop()
    await this.#engine?.drained()
    this.#sweeper?.stop()
    this.#pages.close()
    this.#connection.close()
  }

  /** Made with the first pass, which may come before the connection has been returned to us. */
  #engineOf(ring: BackRing): RequestEngine {
    this.#engine ??= new RequestEngine({
      ...this.#options,
      ring,
      abi: this.#options.address.abi,
      pages: this.#pages,
      notify: () => this.#connection.notify(),
      onUnblocked: () => this.#connection.wake(),
    })
    return this.#engine
  }
}
