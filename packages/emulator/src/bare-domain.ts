import { DOM0, type Domid, type FrameNumber, type Port } from '@split-driver/abi'
import { type ByteChannel, listenForRing, RingChannel } from '@split-driver/xenbus'
import type { EmulatedPlatform } from './emulated-platform.js'

/** A domain that runs nothing and whose end of XenStore's ring is the caller's, with a port of its own. */
export class BareDomain {
  readonly domid: Domid
  readonly frame: FrameNumber
  readonly port: Port
  readonly channel: ByteChannel
  readonly #end: () => Promise<void>

  /** Takes the platform's ring away from its client. @param end ends the domain */
  constructor(platform: EmulatedPlatform, end: () => Promise<void>) {
    const { domid, events, start } = platform
    platform.xenstore.close()
    this.#end = end
    this.domid = domid
    this.frame = start.store.frame
    // That of the start of day is listened to already.
    this.port = events.bindUnboundPort(DOM0)
    const ring = RingChannel.front(platform.storePage, () => events.notify(this.port))
    listenForRing(ring, events, this.port)
    this.channel = ring
  }

  destroy(): Promise<void> {
    return this.#end()
  }
}
