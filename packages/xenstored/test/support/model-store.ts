import type { Domid, FrameNumber, Port } from '@split-driver/abi'
import type { ModelLimits, StoreUnderTest } from '@split-driver/conformance'
import { type ByteChannel, channelPair } from '@split-driver/xenbus'
import { XenstoreServer } from '@split-driver/xenstored'
import { FakePlatform } from './fake-platform.js'

/** A server as the model asks for one: every domain is introduced, and connected through a channel. */
export class ModelStore implements StoreUnderTest {
  readonly platform = new FakePlatform()
  readonly #server: XenstoreServer

  constructor(limits: ModelLimits) {
    this.#server = new XenstoreServer(this.platform, { limits })
  }

  connect(domid: number): ByteChannel {
    const [ours, theirs] = channelPair()
    if (!this.#server.isIntroduced(domid as Domid)) this.#introduce(domid as Domid)
    this.#server.accept(theirs, { domid: domid as Domid, privileged: domid === 0 })
    return ours
  }

  rebirth(domid: number): void {
    this.#server.release(domid as Domid)
    this.#introduce(domid as Domid)
  }

  #introduce(domid: Domid): void {
    this.platform.addDomain(domid)
    this.#server.introduce(domid, 0 as FrameNumber, 1 as Port)
  }
}
