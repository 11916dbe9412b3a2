import type { Domid, FrameNumber, Port } from '@split-driver/abi'
import { StoreMachine, settle, XenStoreWireClient } from '@split-driver/conformance'
import { type ByteChannel, channelPair, RingChannel } from '@split-driver/xenbus'
import { XenstoreServer, type XenstoreServerOptions } from '@split-driver/xenstored'
import { ManualClock } from './manual-clock.js'

export const DOM = (domid: number): Domid => domid as Domid

/** A server, and clients of any kind. */
export class StoreWorld implements Disposable {
  readonly platform = new StoreMachine()
  /** Stands still but where it is moved. */
  readonly clock = new ManualClock()
  readonly server: XenstoreServer
  /** The server's ends of what `connect` made, in order. */
  readonly served: ByteChannel[] = []

  /** @param options made when there is a platform, where they are a function */
  constructor(options: XenstoreServerOptions | ((platform: StoreMachine) => XenstoreServerOptions) = {}) {
    this.server = new XenstoreServer(
      Object.assign(this.platform, { clock: this.clock }),
      typeof options === 'function' ? options(this.platform) : options,
    )
  }

  /** A client behind a channel; the control domain unless a domid is given. */
  connect(domid = 0, privileged = domid === 0): XenStoreWireClient {
    const [ours, theirs] = channelPair()
    this.served.push(theirs)
    this.server.accept(theirs, { domid: DOM(domid), privileged })
    return new XenStoreWireClient(ours)
  }

  /** A client behind a ring page, introduced. */
  async introduce(domid: number): Promise<XenStoreWireClient> {
    const client = this.ringClient(domid)
    this.server.introduce(DOM(domid), 0 as FrameNumber, 1 as Port)
    await settle()
    return client
  }

  /** A domain's own end of its ring page, whether it is introduced or not. */
  ringClient(domid: number): XenStoreWireClient {
    const page = this.platform.pages.get(DOM(domid)) ?? this.platform.addDomain(DOM(domid))
    const channel = RingChannel.front(page, () => this.platform.raise(DOM(domid)))
    this.platform.onNotify.set(DOM(domid), () => channel.wake())
    return new XenStoreWireClient(channel)
  }

  [Symbol.dispose](): void {
    this.server[Symbol.dispose]()
  }
}
