import { unlink } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { DOM0 } from '@split-driver/abi'
import { SocketChannel } from '@split-driver/xenbus/node'
import type { XenstoreServer } from '@split-driver/xenstored'
import { listenPrivately } from '../daemon/listen-privately.js'

/**
 * XenStore's own protocol at a Unix socket, with the rights of the control domain, as xenstored has one: our commands speak
 * it, and so do Xen's own with XENSTORED_PATH.
 */
export class XenstoreSocket implements AsyncDisposable {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  /** Replaces what a machine that was killed has left. @throws what the system says */
  static async listen(path: string, xenstored: XenstoreServer): Promise<XenstoreSocket> {
    const made = new XenstoreSocket(xenstored)
    await unlink(path).catch(() => undefined)
    await listenPrivately(made.#server, path)
    return made
  }

  private constructor(xenstored: XenstoreServer) {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
      xenstored.accept(new SocketChannel(socket), { domid: DOM0, privileged: true })
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }
}
