import type { Daemon } from './daemon.js'

/** A daemon that lives as long as its process, and ends its parts in the reverse of the order in which they began. */
export abstract class DaemonOfParts implements Daemon {
  readonly lost = new Promise<Error>(() => undefined)
  readonly #endings: (() => Promise<unknown>)[] = []
  #closed: Promise<void> | undefined

  /** All of it, whatever one part has to complain of. Idempotent. @throws the first complaint */
  close(): Promise<void> {
    this.#closed ??= this.#end()
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Begins the parts. @throws what `begin` throws; nothing stays open then */
  protected async openParts(begin: () => Promise<void>): Promise<this> {
    try {
      await begin()
      return this
    } catch (error) {
      await this.close()
      throw error
    }
  }

  /** How the part that has just begun ends. */
  protected atEnd(end: () => Promise<unknown>): void {
    this.#endings.push(end)
  }

  async #end(): Promise<void> {
    const complaints: unknown[] = []
    for (const end of this.#endings.reverse()) await end().catch((error) => complaints.push(error))
    if (complaints.length > 0) throw complaints[0]
  }
}
