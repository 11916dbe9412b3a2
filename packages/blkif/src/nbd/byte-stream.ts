/** Takes what a connection brings. It never throws. */
export interface ByteReceiver {
  /** Where the next bytes are to go. It is asked again after each `received`. */
  room(): Uint8Array
  /** So many bytes now lie at the beginning of what `room` gave last. */
  received(count: number): void
  /** No more will come: the peer ended it, or it broke. Not called after `end` or `destroy`. */
  ended(reason: Error): void
}

/** A connection to a server: bytes both ways, in order. */
export interface ByteStream {
  /**
   * Sends pieces one after the other. They are read at any time until `onSent` is called, and never after `destroy`: the
   * memory behind them must stay until then.
   */
  write(pieces: readonly Uint8Array[], onSent: () => void): void
  /** From here on both ways are encrypted. Rejects if the server is not who it should be. */
  startTls(): Promise<void>
  /** Closes once everything has been sent. */
  end(): void
  /** Closes now. Idempotent. */
  destroy(): void
}

/** Makes a connection. */
export type Dial = (receiver: ByteReceiver) => Promise<ByteStream>
