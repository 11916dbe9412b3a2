import type { Domid, XenError } from '@split-driver/abi'
import { Observable } from 'rxjs'
import type { ConsoleBackend, ConsoleReaderOptions } from './backend.js'
import type { ConsoleDaemon } from './daemon.js'

/** A console's raw output; each subscriber follows by itself, and unsubscribing detaches it. */
export const output$ = (console: ConsoleBackend, options?: ConsoleReaderOptions): Observable<Uint8Array> =>
  new Observable((subscriber) => {
    const reader = console.attachReader(options)
    const follow = async (): Promise<void> => {
      for await (const bytes of reader) {
        if (subscriber.closed) return
        subscriber.next(bytes)
      }
      subscriber.complete()
    }
    follow().catch((error: unknown) => subscriber.error(error))
    return () => reader.detach()
  })

/** What a daemon tells of its domains' consoles. */
export type ConsoleChange =
  | { readonly kind: 'connect' | 'disconnect'; readonly domid: Domid; readonly console: ConsoleBackend }
  | { readonly kind: 'error'; readonly domid: Domid; readonly error: XenError }

/** A daemon's lifecycle: first the consoles that are served now, then what changes. Fails when XenStore does. */
export const changes$ = (daemon: ConsoleDaemon): Observable<ConsoleChange> =>
  new Observable((subscriber) => {
    const connect = (console: ConsoleBackend) => subscriber.next({ kind: 'connect', domid: console.domid, console })
    const disconnect = (console: ConsoleBackend) =>
      subscriber.next({ kind: 'disconnect', domid: console.domid, console })
    const failed = (error: XenError, domid: Domid | undefined) => {
      if (domid === undefined) subscriber.error(error)
      else subscriber.next({ kind: 'error', domid, error })
    }
    for (const console of daemon.consoles()) if (console.connected) connect(console)
    daemon.on('connect', connect).on('disconnect', disconnect).on('error', failed)
    return () => {
      daemon.off('connect', connect).off('disconnect', disconnect).off('error', failed)
    }
  })
