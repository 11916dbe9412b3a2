import { createServer, type Server } from 'node:net'
import { XenError } from '@split-driver/abi'
import { listenAlone, listenPrivately } from '@split-driver/xenstored/node'
import { ControlClient } from './control-client.js'
import { ControlConnection, type ControlHandlers } from './control-connection.js'

/** Serves the control socket of a machine. Whoever may connect may do everything: the socket is its owner's alone. */
export class ControlServer implements AsyncDisposable {
  readonly #server: Server
  readonly #connections = new Set<ControlConnection>()

  /** @throws XenError EBUSY if a living machine has that socket already; EACCES, EINVAL for a path that cannot be used */
  static async listen(path: string, handlers: Promise<ControlHandlers>): Promise<ControlServer> {
    const made = new ControlServer(handlers)
    await listenAlone(
      path,
      () => listenPrivately(made.#server, path),
      async () => {
        const pid = await holderOf(path)
        return new XenError('EBUSY', `another machine${pid} has ${path}: stop it, or choose another --socket`)
      },
    )
    return made
  }

  private constructor(handlers: Promise<ControlHandlers>) {
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      const connection = new ControlConnection(socket, handlers)
      this.#connections.add(connection)
      void connection.done.then(() => this.#connections.delete(connection))
    })
  }

  /** Takes no more requests, and gives up on those under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    for (const connection of this.#connections) connection.destroy()
    await closed
  }
}

const holderOf = async (path: string): Promise<string> => {
  try {
    using client = await ControlClient.connect(path)
    return ` (process ${(await client.request('about', {})).pid})`
  } catch {
    return ''
  }
}
