import type { Domid, FrameNumber, Port } from '@split-driver/abi'
import { type ByteChannel, channelPair } from '@split-driver/xenbus'
import type { StoreUnderTest } from './run-store-model.js'

/** What a XenStore server can do that is compared with the model; `XenstoreServer` of `@split-driver/xenstored` can. */
export interface ServerUnderTest {
  accept(channel: ByteChannel, as: { readonly domid: Domid; readonly privileged: boolean }): void
  introduce(domid: Domid, frame: FrameNumber, port: Port): void
  release(domid: Domid): void
  isIntroduced(domid: Domid): boolean
}

/** A server as the model asks for one: every domain is introduced, and connected through a channel. */
export class StoreOverChannels implements StoreUnderTest {
  readonly #server: ServerUnderTest
  readonly #beforeIntroducing: (domid: Domid) => void

  /** @param beforeIntroducing makes the domain known to whatever the server runs on */
  constructor(server: ServerUnderTest, beforeIntroducing: (domid: Domid) => void = () => {}) {
    this.#server = server
    this.#beforeIntroducing = beforeIntroducing
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
    this.#beforeIntroducing(domid)
    this.#server.introduce(domid, 0 as FrameNumber, 1 as Port)
  }
}
