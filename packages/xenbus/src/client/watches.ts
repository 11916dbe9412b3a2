import { XenError } from '@split-driver/abi'
import { packStrings, type WatchEventBody } from '../wire/body.js'
import { XenStoreOp } from '../wire/operation.js'
import { XenStoreServerFeature } from '../wire/ring-page.js'
import { toText } from '../wire/text.js'
import type { WatchOptions } from '../xenstore.js'
import { ClientWatch } from './client-watch.js'
import type { Call } from './request.js'
import type { Session } from './session.js'
import { packPath } from './store-operations.js'

/** The watches of one client, by token. */
export class Watches {
  readonly #watches = new Map<string, ClientWatch>()
  #lastToken = 0

  /** An event that carries an unknown token is one of a watch that was closed meanwhile. */
  dispatch({ path, token }: WatchEventBody): void {
    this.#watches.get(toText(token))?.tell(path)
  }

  /** @throws XenError EINVAL EACCES ENOSPC CLOSED; the signal's reason, and the server has no such watch then */
  async open(session: Session, path: string, { depth, signal }: WatchOptions = {}): Promise<ClientWatch> {
    if (depth !== undefined && !(Number.isInteger(depth) && depth >= 0))
      throw new RangeError(`a watch's depth is a number of levels, not ${depth}`)
    const token = (++this.#lastToken).toString(36)
    const watch = new ClientWatch(path, token, depth, (closing) => this.#close(session, closing))
    // Before the request: its first event may arrive together with the OK (rule 44).
    this.#watches.set(token, watch)
    try {
      await register(session, watch, {
        signals: [signal],
        onReply: () => {
          watch.registered = true
        },
        onCancel: (sent) => {
          if (sent) void this.#close(session, watch).catch(() => undefined)
        },
      })
      return watch
    } catch (error) {
      this.#watches.delete(token)
      throw error
    }
  }

  /** There is a connection again, on which nothing is registered: each watch once, and each looks at all of it. */
  renew(session: Session): void {
    for (const watch of this.#watches.values()) if (watch.registered) void this.#renew(session, watch)
  }

  /** Those that the server has now. */
  get registered(): ClientWatch[] {
    return [...this.#watches.values()].filter(({ registered }) => registered)
  }

  /** They are gone. */
  end(watches: Iterable<ClientWatch> = this.#watches.values()): void {
    for (const watch of watches) {
      this.#watches.delete(watch.token)
      watch.end()
    }
  }

  /** The server's first event (rule 44) tells to look again; one that has kept the watch sends none. */
  async #renew(session: Session, watch: ClientWatch): Promise<void> {
    try {
      await register(session, watch, { era: session.era })
    } catch (error) {
      if (XenError.is(error, 'EEXIST')) watch.tell(watch.path)
      else if (!XenError.is(error, 'CLOSED')) {
        this.#watches.delete(watch.token)
        watch.fail(error)
      }
    }
  }

  async #close(session: Session, { path, token }: ClientWatch): Promise<void> {
    this.#watches.delete(token)
    if (!session.connected) return
    try {
      await session.request({
        type: XenStoreOp.Unwatch,
        body: packStrings(path, token),
        subject: { operation: 'unwatch', path },
        era: session.era,
      })
    } catch (error) {
      // A server that reset the watches, or that is gone, has ended it already.
      if (!XenError.is(error, 'ENOENT', 'CLOSED')) throw error
    }
  }
}

/** Asks without the depth where the server does not know of any. */
const register = async (
  session: Session,
  { path, token, depth }: ClientWatch,
  more: Pick<Call, 'signals' | 'era' | 'onReply' | 'onCancel'>,
): Promise<void> => {
  const subject = { operation: 'watch', path }
  const ask = (...fields: string[]): Promise<unknown> =>
    session.request({ type: XenStoreOp.Watch, body: packPath(subject, ...fields), subject, ...more })
  const features = session.serverFeatures
  if (depth !== undefined && (features === undefined || features & XenStoreServerFeature.WatchDepth)) {
    try {
      await ask(token, String(depth))
      return
    } catch (error) {
      if (!XenError.is(error, 'EINVAL')) throw error
    }
  }
  await ask(token)
}
