import type { Domid } from '@split-driver/abi'
import type { Message } from '@split-driver/xenbus'
import type { CountedQuota } from './quotas/domain-account.js'

/** Whose doing it is. */
export interface ObservedClient {
  /** Given out once. */
  readonly id: number
  readonly domid: Domid
}

/** What comes to be and ends. */
export type ObservedKind = 'connection' | 'watch' | 'transaction'

/** Is told, as it happens, of all that a server is asked, answers and keeps. Must not throw, nor change what it is shown. */
export interface ServerObserver {
  received?(client: ObservedClient, request: Message): void
  /** A reply or a watch event is on its way. */
  sent?(client: ObservedClient, message: Message): void
  created?(kind: ObservedKind, client: ObservedClient): void
  destroyed?(kind: ObservedKind, client: ObservedClient): void
  /** What a domain uses of something that is limited changes by `change`. */
  charged?(domid: Domid, name: CountedQuota, used: number, change: number): void
  /** The domain is not read from for so long; 0 says that it is again. */
  held?(domid: Domid, milliseconds: number): void
  /** The node's value or permissions are set: it takes so many bytes of its owner's memory. */
  stored?(path: string, bytes: number): void
  /** The node is gone, with all below it. */
  removed?(path: string): void
}

/** Those who are told. `current` is undefined while there is none, so that being silent costs one look at it. */
export class Observers {
  readonly #all = new Set<ServerObserver>()
  #current: ServerObserver | undefined

  get current(): ServerObserver | undefined {
    return this.#current
  }

  add(observer: ServerObserver): void {
    this.#all.add(observer)
    this.#choose()
  }

  delete(observer: ServerObserver): void {
    this.#all.delete(observer)
    this.#choose()
  }

  #choose(): void {
    const [first, ...others] = this.#all
    this.#current = others.length === 0 ? first : this.#everybody
  }

  readonly #everybody: Required<ServerObserver> = {
    received: (client, request) => this.#each((observer) => observer.received?.(client, request)),
    sent: (client, message) => this.#each((observer) => observer.sent?.(client, message)),
    created: (kind, client) => this.#each((observer) => observer.created?.(kind, client)),
    destroyed: (kind, client) => this.#each((observer) => observer.destroyed?.(kind, client)),
    charged: (domid, name, used, change) => this.#each((observer) => observer.charged?.(domid, name, used, change)),
    held: (domid, milliseconds) => this.#each((observer) => observer.held?.(domid, milliseconds)),
    stored: (path, bytes) => this.#each((observer) => observer.stored?.(path, bytes)),
    removed: (path) => this.#each((observer) => observer.removed?.(path)),
  }

  #each(tell: (observer: ServerObserver) => void): void {
    for (const observer of this.#all) tell(observer)
  }
}
