import type { Port, XenError } from '@split-driver/abi'
import type { SharedPages } from '@split-driver/grant'
import type { Platform } from '@split-driver/platform'
import { FrontRing } from '@split-driver/ring'
import type { Otherend } from '@split-driver/xenbus'
import type { BlkifAbi } from '../wire/blkif-abi.js'
import type { RingAddress } from '../wire/ring-keys.js'
import { TransferEngine, type TransferEngineOptions } from './transfer-engine.js'

export interface FrontendQueueOptions {
  readonly platform: Platform
  readonly otherend: Otherend
  readonly abi: BlkifAbi
  readonly ringPages: number
  /** The backend broke the protocol; every transfer has been rejected. */
  readonly onBroken: (error: XenError) => void
}

/** What is known only when the backend is connected. */
export type StartOptions = Pick<
  TransferEngineOptions,
  'handle' | 'sectorBytes' | 'dataPages' | 'stats' | 'onFailedRequest'
>

/** One ring and its port, from their allocation until they are given back. */
export class FrontendQueue {
  readonly #options: FrontendQueueOptions
  readonly #pages: SharedPages
  readonly #ring: FrontRing
  readonly #port: Port
  #engine: TransferEngine | undefined

  /** @throws XenError ENOSPC: no pages, grant references or ports are left; nothing is held then */
  constructor(options: FrontendQueueOptions) {
    const { platform, otherend, abi, ringPages } = options
    this.#options = options
    this.#pages = platform.sharer.share(otherend.domid, ringPages, 'writable')
    this.#ring = FrontRing.initialise(this.#pages.memory, abi.slotBytes)
    try {
      this.#port = platform.events.bindUnboundPort(otherend.domid)
    } catch (error) {
      platform.sharer.unshare(this.#pages)
      throw error
    }
    platform.events.listen(this.#port, this.#onEvent)
  }

  /** What the backend needs to know. */
  get address(): RingAddress {
    return { abi: this.#options.abi, refs: this.#pages.refs, port: this.#port }
  }

  /** The backend has mapped the ring. */
  start(options: StartOptions): TransferEngine {
    const { platform, otherend, abi } = this.#options
    this.#engine = new TransferEngine({
      ...options,
      ring: this.#ring,
      abi,
      sharer: platform.sharer,
      backendDomid: otherend.domid,
      notify: () => platform.events.notify(this.#port),
    })
    return this.#engine
  }

  /** Rejects what is outstanding with `reason` and gives everything back. */
  stop(reason: XenError): void {
    const { events, sharer } = this.#options.platform
    events.unbind(this.#port)
    this.#engine?.close(reason)
    this.#engine?.unshare()
    sharer.unshare(this.#pages)
  }

  /** A broken ring's port stays masked: nothing that this backend says matters any more. */
  readonly #onEvent = (): void => {
    const broken = this.#engine?.drain()
    if (broken === undefined) {
      this.#options.platform.events.eoi(this.#port)
      return
    }
    this.#engine?.close(broken)
    this.#options.onBroken(broken)
  }
}
