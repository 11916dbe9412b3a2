import type { GuestPage } from './guest-page.js'

/** A XenStore daemon that serves a Unix socket, and guests behind ring pages. */
export interface Daemon extends AsyncDisposable {
  readonly name: string
  /** Whoever connects has the rights of domain 0. */
  readonly socketPath: string
  /** A domain comes into being; whoever is at the socket may then INTRODUCE it, by any frame and port. */
  createGuest(domid: number): GuestPage
  /** The domain dies, and the daemon is told that domains changed. */
  destroyGuest(domid: number): void
}
