import type { Domid, GrantRef, Port } from '@split-driver/abi'
import type { Mapping } from '@split-driver/grant'
import type { Platform } from '@split-driver/platform'
import { domainPath, listenForRing, RingChannel, XenStoreClient } from '@split-driver/xenbus'
import { RELAY_KEY } from '../../guest/xenstore-relay-key.js'
import { until } from '../patience.js'

/** Seconds until a program of the guest's has started. */
const PATIENCE_S = 60

/** XenStore as a guest sees it, asked from dom0 through the relay that runs there. */
export class RelayedXenStore implements Disposable {
  readonly client: XenStoreClient
  /** Of the relay's page. */
  readonly ref: GrantRef
  readonly #platform: Platform
  readonly #mapping: Mapping
  readonly #port: Port

  /** Waits until the guest's relay has said where it is. */
  static async connect(platform: Platform, domid: Domid): Promise<RelayedXenStore> {
    const path = `${domainPath(domid)}/${RELAY_KEY}`
    const text = await until(PATIENCE_S, `the relay in domain ${domid}`, () => platform.xenstore.tryRead(path))
    const [ref, port] = text.split(' ').map(Number)
    return new RelayedXenStore(platform, domid, ref as GrantRef, port as Port)
  }

  private constructor(platform: Platform, domid: Domid, ref: GrantRef, remotePort: Port) {
    this.#platform = platform
    this.ref = ref
    this.#mapping = platform.mapper.map(domid, [ref], 'writable')
    this.#port = platform.events.bindInterdomain(domid, remotePort)
    const ring = RingChannel.front(this.#mapping.memory, () => platform.events.notify(this.#port))
    listenForRing(ring, platform.events, this.#port)
    this.client = new XenStoreClient(ring)
  }

  [Symbol.dispose](): void {
    this.client.close()
    this.#platform.events.unbind(this.#port)
    this.#platform.mapper.unmap(this.#mapping)
  }
}
