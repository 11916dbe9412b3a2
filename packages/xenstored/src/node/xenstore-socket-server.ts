import { mkdir } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { dirname } from 'node:path'
import { DOM0, XenError } from '@split-driver/abi'
import { SocketChannel, xenstoreSocketPath } from '@split-driver/xenbus/node'
import type { XenstoreServer } from '../xenstore-server.js'
import { listenAlone } from './listen-alone.js'

/**
 * XenStore's own protocol at a Unix socket. Whoever may connect, which the socket's mode 0600 leaves to its owner, has the
 * rights of domain 0: libxenstore's clients come this way, and so do ours.
 */
export class XenstoreSocketServer implements AsyncDisposable {
  readonly path: string
  readonly #listener: Server
  readonly #channels = new Set<SocketChannel>()

  /**
   * Makes the folder if there is none, and replaces the socket of a daemon that was killed.
   * @throws XenError EBUSY if a daemon lives there, EEXIST if something is there that is no socket, EINVAL for a path that
   * is too long; what the system says otherwise, such as EACCES
   */
  static async listen(server: XenstoreServer, path = xenstoreSocketPath()): Promise<XenstoreSocketServer> {
    const made = new XenstoreSocketServer(server, path)
    await mkdir(dirname(path), { recursive: true })
    await listenAlone(made.#listener, path, async () => {
      return new XenError('EBUSY', `another XenStore daemon serves ${path}: stop it, or choose another socket`, {
        detail: { path },
      })
    })
    return made
  }

  private constructor(server: XenstoreServer, path: string) {
    this.path = path
    this.#listener = createServer((socket) => {
      const channel = new SocketChannel(socket)
      this.#channels.add(channel)
      socket.once('close', () => this.#channels.delete(channel))
      server.accept(channel, { domid: DOM0, privileged: true })
    })
  }

  /** Nobody connects any more, those who are connected are let go, and the socket is gone. Idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#listener.close(resolve))
    for (const channel of this.#channels) channel.close()
    await closed
  }
}
