import type { Client } from './client.js'

/** All who are connected, by numbers that are given out once. */
export class Clients {
  readonly #byId = new Map<number, Client>()
  #lastId = 0

  /** A number that nobody had before. */
  nextId(): number {
    this.#lastId += 1
    return this.#lastId
  }

  add(client: Client): void {
    this.#byId.set(client.id, client)
  }

  delete(client: Client): void {
    this.#byId.delete(client.id)
  }

  has(client: Client): boolean {
    return this.#byId.get(client.id) === client
  }

  /** In the order in which they came. */
  all(): IterableIterator<Client> {
    return this.#byId.values()
  }
}
