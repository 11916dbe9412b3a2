import { XenError } from '@split-driver/abi'
import { packStrings, type WatchEventBody } from '../wire/body.js'
import { XenStoreOp } from '../wire/operation.js'
import { toText } from '../wire/text.js'
import { ClientWatch } from './client-watch.js'
import type { Connection } from './connection.js'
import { packPath } from './store-operations.js'

/** The watches of one connection, by token. */
export class Watches {
  readonly #watches = new Map<string, ClientWatch>()
  #lastToken = 0

  /** An event that carries an unknown token is one of a watch that was closed meanwhile. */
  dispatch({ path, token }: WatchEventBody): void {
    this.#watches.get(toText(token))?.tell(path)
  }

  /** @throws XenError EINVAL EACCES ENOSPC CLOSED */
  async open(connection: Connection, path: string): Promise<ClientWatch> {
    const subject = { operation: 'watch', path }
    const token = (++this.#lastToken).toString(36)
    const body = packPath(subject, token)
    const watch = new ClientWatch(path, token, (closing) => this.#close(connection, closing))
    // Before the request: its first event may arrive together with the OK (rule 44).
    this.#watches.set(token, watch)
    try {
      await connection.request(XenStoreOp.Watch, 0, body, subject)
      return watch
    } catch (error) {
      this.#watches.delete(token)
      throw error
    }
  }

  /** The connection is gone. */
  end(): void {
    for (const watch of this.#watches.values()) watch.end()
    this.#watches.clear()
  }

  async #close(connection: Connection, { path, token }: ClientWatch): Promise<void> {
    this.#watches.delete(token)
    try {
      await connection.request(XenStoreOp.Unwatch, 0, packStrings(path, token), { operation: 'unwatch', path })
    } catch (error) {
      // A server that reset the watches, or that is gone, has ended it already.
      if (!XenError.is(error, 'ENOENT', 'CLOSED')) throw error
    }
  }
}
