import { type Port, XenError } from '@split-driver/abi'
import type { Mapping } from '@split-driver/grant'
import type { Platform, Timer } from '@split-driver/platform'
import { BackRing } from '@split-driver/ring'
import type { Otherend } from '@split-driver/xenbus'
import type { RingAddress } from '../wire/ring-keys.js'
import { RequestEngine, type RequestEngineOptions } from './request-engine.js'

/** Requests that are served before other work of this thread has its turn. */
const PASS_LIMIT = 256

export interface BackendQueueOptions extends Pick<RequestEngineOptions, 'store' | 'disk' | 'stats' | 'onStoreError'> {
  readonly platform: Platform
  readonly otherend: Otherend
  readonly address: RingAddress
  /** The frontend broke the protocol; nothing more is served. */
  readonly onBroken: (error: XenError) => void
}

/** One ring and its port, from connection to disconnection: an event wakes the engine, the engine decides. */
export class BackendQueue {
  readonly #options: BackendQueueOptions
  readonly #ring: Mapping
  readonly #port: Port
  readonly #engine: RequestEngine
  #timer: Timer | undefined
  #stopped = false

  /**
   * Maps the ring, binds the port and begins to serve.
   * @throws XenError GNTST_*, EINVAL: what the frontend named is not granted or not bound to us; nothing is held then
   */
  constructor(options: BackendQueueOptions) {
    const { platform, otherend, address } = options
    this.#options = options
    this.#ring = platform.mapper.map(otherend.domid, address.refs, 'writable')
    try {
      this.#port = platform.events.bindInterdomain(otherend.domid, address.port)
    } catch (error) {
      platform.mapper.unmap(this.#ring)
      throw error
    }
    this.#engine = new RequestEngine({
      ...options,
      ring: BackRing.attach(this.#ring.memory, address.abi.slotBytes),
      abi: address.abi,
      mapper: platform.mapper,
      remoteDomid: otherend.domid,
      notify: () => platform.events.notify(this.#port),
      onUnblocked: this.#serve,
    })
    platform.events.listen(this.#port, this.#serve)
  }

  /** Takes no more requests, finishes those in work, and lets go of ring and port. */
  async stop(): Promise<void> {
    const { events, mapper } = this.#options.platform
    this.#stopped = true
    this.#timer?.cancel()
    await this.#engine.drained()
    events.unbind(this.#port)
    mapper.unmap(this.#ring)
  }

  /** The port stays masked until there is nothing left to do: a flood of events costs one delivery a pass. */
  readonly #serve = (): void => {
    if (this.#stopped) return
    const { platform, onBroken } = this.#options
    switch (this.#engine.serve(PASS_LIMIT)) {
      case 'idle':
        platform.events.eoi(this.#port)
        return
      case 'more':
        this.#timer = platform.clock.setTimer(0, this.#serve)
        return
      case 'blocked':
        return
      case 'broken':
        this.#stopped = true
        onBroken(new XenError('RING_PROD_OVERFLOW', "the frontend's index of requests is impossible"))
    }
  }
}
