import type { Domid } from '@split-driver/abi'
import type { Message } from '@split-driver/xenbus'

/** Whose doing it is. */
export interface ObservedClient {
  /** Given out once. */
  readonly id: number
  readonly domid: Domid
}

/** What comes to be and ends. */
export type ObservedKind = 'connection' | 'watch' | 'transaction'

/** Is told, as it happens, of all that a server is asked and answers. Must not throw, nor change what it is shown. */
export interface ServerObserver {
  received?(client: ObservedClient, request: Message): void
  /** A reply or a watch event is on its way. */
  sent?(client: ObservedClient, message: Message): void
  created?(kind: ObservedKind, client: ObservedClient): void
  destroyed?(kind: ObservedKind, client: ObservedClient): void
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

  readonly #everybody: ServerObserver = {
    received: (client, request) => {
      for (const observer of this.#all) observer.received?.(client, request)
    },
    sent: (client, message) => {
      for (const observer of this.#all) observer.sent?.(client, message)
    },
    created: (kind, client) => {
      for (const observer of this.#all) observer.created?.(kind, client)
    },
    destroyed: (kind, client) => {
      for (const observer of this.#all) observer.destroyed?.(kind, client)
    },
  }
}
