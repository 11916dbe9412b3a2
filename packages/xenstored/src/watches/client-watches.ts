import type { DomainAccount } from '../quotas/domain-account.js'
import type { ObservedClient } from '../server-observer.js'
import type { StoreHost } from '../store-host.js'
import { Watch, type Watcher, type WatchOptions } from './watches.js'

const tokenText = new TextDecoder('latin1')

const keyOf = (path: string, token: Uint8Array): string => `${path}\0${tokenText.decode(token)}`

/** What a watch takes, as the original counts it. @see xen/tools/xenstored/watch.c add_watch */
export const watchBytes = (path: string, token: Uint8Array): number => path.length + token.length

/** The watches of one client. */
export class ClientWatches {
  readonly #watcher: Watcher & ObservedClient
  readonly #host: Pick<StoreHost, 'watches' | 'observers'>
  readonly #own = new Map<string, Watch>()

  constructor(watcher: Watcher & ObservedClient, host: Pick<StoreHost, 'watches' | 'observers'>) {
    this.#watcher = watcher
    this.#host = host
  }

  /** @param path absolute or special, here as in all of these */
  has(path: string, token: Uint8Array): boolean {
    return this.#own.has(keyOf(path, token))
  }

  add(options: WatchOptions): Watch {
    const watch = new Watch(this.#watcher, options)
    const { path, token } = watch
    this.#own.set(keyOf(path, token), watch)
    this.#host.watches.add(watch)
    this.#host.observers.current?.created?.('watch', this.#watcher)
    this.#account.add('watches', 1)
    this.#account.add('memory', watchBytes(path, token))
    return watch
  }

  /** @returns the one that there was */
  remove(path: string, token: Uint8Array): Watch | undefined {
    const watch = this.#own.get(keyOf(path, token))
    if (watch === undefined) return undefined
    this.#own.delete(keyOf(path, token))
    this.#drop(watch)
    return watch
  }

  /** In the order of their registration. */
  all(): IterableIterator<Watch> {
    return this.#own.values()
  }

  clear(): void {
    for (const watch of this.#own.values()) this.#drop(watch)
    this.#own.clear()
  }

  #drop(watch: Watch): void {
    this.#host.watches.remove(watch)
    this.#host.observers.current?.destroyed?.('watch', this.#watcher)
    this.#account.add('watches', -1)
    this.#account.add('memory', -watchBytes(watch.path, watch.token))
  }

  get #account(): DomainAccount {
    return this.#watcher.caller.domain.account
  }
}
