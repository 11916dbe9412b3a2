import type { XenError } from '@split-driver/abi'
import type { Platform } from '@split-driver/platform'
import { FrontConnection, type Otherend, type Served } from '@split-driver/xenbus'
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
  'handle' | 'sectorBytes' | 'maxSegments' | 'stats' | 'onFailedRequest' | 'dataPages'
>

/** One ring and its port, from their allocation until they are given back. */
export class FrontendQueue {
  readonly #options: FrontendQueueOptions
  readonly #connection: FrontConnection
  #engine: TransferEngine | undefined

  /** @throws XenError ENOSPC: no pages, grant references or ports are left; nothing is held then */
  constructor(options: FrontendQueueOptions) {
    const { platform, otherend, abi, ringPages, onBroken } = options
    this.#options = options
    this.#connection = FrontConnection.open(platform, {
      remoteDomid: otherend.domid,
      slotBytes: abi.slotBytes,
      ringPages,
      serve: (connection) => this.#serve(connection),
      onBroken,
    })
  }

  /** What the backend needs to know. */
  get address(): RingAddress {
    return { abi: this.#options.abi, refs: this.#connection.refs, port: this.#connection.port }
  }

  /** The backend has mapped the ring. */
  start(options: StartOptions): TransferEngine {
    const { platform, otherend, abi } = this.#options
    this.#engine = new TransferEngine({
      ...options,
      ring: this.#connection.ring,
      abi,
      sharer: platform.sharer,
      backendDomid: otherend.domid,
      notify: () => this.#connection.notify(),
    })
    return this.#engine
  }

  /** Rejects what is outstanding with `reason` and gives everything back. */
  stop(reason: XenError): void {
    this.#connection.stop()
    this.#engine?.close(reason)
    this.#engine?.unshare()
    this.#connection.close()
  }

  /** A broken ring's port stays masked: nothing that this backend says matters any more. */
  #serve(connection: FrontConnection): Served {
    const broken = this.#engine?.drain()
    if (broken === undefined) return 'idle'
    connection.stop()
    this.#engine?.close(broken)
    this.#options.onBroken(broken)
    return 'blocked'
  }
}
