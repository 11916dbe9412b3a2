import { DOM0, type Domid, type FrameNumber, type Port, type SharedMemory } from '@split-driver/abi'
import type { EmulatedPlatform } from './emulated-platform.js'

/** A domain that runs nothing and whose end of XenStore's ring is the caller's: a port of its own, and the page. */
export class BareDomain {
  readonly domid: Domid
  readonly frame: FrameNumber
  readonly port: Port
  readonly page: SharedMemory
  readonly #platform: EmulatedPlatform
  readonly #end: () => Promise<void>
  #onEvent = (): void => {}

  /** Takes the platform's ring away from its client. @param end ends the domain */
  constructor(platform: EmulatedPlatform, end: () => Promise<void>) {
    const { domid, events, start } = platform
    platform.xenstore.close()
    this.#platform = platform
    this.#end = end
    this.domid = domid
    this.frame = start.store.frame
    this.page = platform.storePage
    // That of the start of day is listened to already.
    this.port = events.bindUnboundPort(DOM0)
    events.listen(this.port, (port) => {
      events.eoi(port)
      this.#onEvent()
    })
  }

  notify(): void {
    this.#platform.events.notify(this.port)
  }

  listen(onEvent: () => void): void {
    this.#onEvent = onEvent
  }

  destroy(): Promise<void> {
    return this.#end()
  }
}
