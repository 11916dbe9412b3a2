import type { ByteChannel } from '@split-driver/xenbus'

/** Accepts connections at a Unix socket. */
export interface Listener {
  /** Of mode 0600. @throws XenError EINVAL for a path that is too long; EADDRINUSE and so on as the `code` of an Error */
  listen(path: string): Promise<void>
  /** Accepts nobody any more, closes what it has accepted, and removes the socket. Idempotent. */
  close(): Promise<void>
  /** `undefined` if there is nothing to go on with. */
  readonly bequest: Bequest | undefined
}

/** A listener whose descriptors another program in this process can go on with. */
export interface Bequest {
  /** Of the socket that accepts connections. */
  readonly fd: number
  fdOf(channel: ByteChannel): number | undefined
}

/** Gets each connection. */
export type OnConnection = (channel: ByteChannel) => void
