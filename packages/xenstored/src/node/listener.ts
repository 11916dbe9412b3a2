import type { ByteChannel } from '@split-driver/xenbus'

/** Accepts connections at a Unix socket. */
export interface Listener {
  /** Of mode 0600. @throws XenError EINVAL for a path that is too long; EADDRINUSE and so on as the `code` of an Error */
  listen(path: string): Promise<void>
  /** Accepts nobody any more, closes what it has accepted, and removes the socket. Idempotent. */
  close(): Promise<void>
}

/** Gets each connection. */
export type OnConnection = (channel: ByteChannel) => void
