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
  | { readonly kind: 'fault'; readonly domid: Domid; readonly error: XenError }

/** A daemon's lifecycle: first the consoles that are served now, then what changes. Fails when XenStore does. */
export const changes$ = (daemon: ConsoleDaemon): Observable<ConsoleChange> =>
  new Observable((subscriber) => {
    const { lifecycle } = daemon
    const connect = (console: ConsoleBackend) => subscriber.next({ kind: 'connect', domid: console.domid, console })
    const disconnect = (console: ConsoleBackend) =>
      subscriber.next({ kind: 'disconnect', domid: console.domid, console })
    const fault = (domid: Domid, error: XenError) => subscriber.next({ kind: 'fault', domid, error })
    const blind = (error: XenError) => subscriber.error(error)
    for (const console of daemon.consoles()) if (console.connected) connect(console)
    lifecycle.on('connect', connect).on('disconnect', disconnect).on('fault', fault).on('blind', blind)
    return () => {
      lifecycle.off('connect', connect).off('disconnect', disconnect).off('fault', fault).off('blind', blind)
    }
  })
