/**
 * A full-duplex stream of bytes that never blocks and never throws: XenStore's messages travel over one. A ring page seen
 * from either side, a message port and a Unix socket all look like this.
 */
export interface ByteChannel {
  /** Takes as much of `source` as there is room for. @returns how many bytes it took */
  send(source: Uint8Array): number
  /** Fills `target` with what has arrived. @returns how many bytes */
  receive(target: Uint8Array): number
  /**
   * Calls back whenever there may be more to receive, or room to send again, or the channel has closed; also once soon
   * after it is set, but not before this returns. One handler.
   */
  onReady(handler: () => void): void
  /** The other side is gone, or has broken the stream's own rules; what arrived before can still be received. */
  readonly closed: boolean
  /** What the server at the other end says that it can do, as bits; only where the transport tells. */
  readonly serverFeatures?: number
  /** Idempotent. */
  close(): void
}
