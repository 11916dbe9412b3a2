import { createServer, type Server } from 'node:net'
import { SocketChannel } from '@split-driver/xenbus/node'
import { listenPrivately } from './listen-privately.js'
import type { Listener, OnConnection } from './listener.js'

/** By Node's own sockets, on whatever system it runs. */
export class NetListener implements Listener {
  /** Node does not tell its descriptors. */
  readonly bequest = undefined
  readonly #server: Server
  readonly #open = new Set<SocketChannel>()

  constructor(onConnection: OnConnection) {
    this.#server = createServer((socket) => {
      const channel = new SocketChannel(socket)
      this.#open.add(channel)
      socket.once('close', () => this.#open.delete(channel))
      onConnection(channel)
    })
  }

  listen(path: string): Promise<void> {
    return listenPrivately(this.#server, path)
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    for (const channel of this.#open) channel.close()
    await closed
  }
}
