import type { Port } from '@split-driver/abi'

/** What a dispatcher asks of the event ABI below it: the two-level bitmaps, FIFO's words, or a device node. */
export interface PortMasking {
  /** No delivery of `port` from here on; its events are kept. */
  mask(port: Port): void
  /** Lets `port` through again and looks whether it has an event. @returns whether an upcall is due now */
  unmask(port: Port): boolean
}

/** Takes what an event ABI delivers. */
export interface PortSink {
  /** `port` has an event; it was masked by the ABI before this call and stays so until `PortMasking.unmask`. */
  deliver(port: Port): void
}
