import { mkdtempSync, rmSync } from 'node:fs'
import { createConnection, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { XenStoreClient } from '@split-driver/xenbus'
import { SocketChannel } from '@split-driver/xenbus/node'
import { type XenstoreSocketOptions, XenstoreSocketServer } from '@split-driver/xenstored/node'
import { StoreWorld } from '../../support/store-world.js'

/** A server, and a folder of its own for its socket. */
export class SocketWorld implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'split-driver-xenstored-'))
  readonly path = join(this.folder, 'run', 'socket')
  readonly store = new StoreWorld()
  readonly #undo: (() => unknown)[] = [() => rmSync(this.folder, { recursive: true })]

  async listen(options: XenstoreSocketOptions): Promise<XenstoreSocketServer> {
    const listening = await XenstoreSocketServer.listen(this.store.server, { path: this.path, ...options })
    this.#undo.push(() => listening[Symbol.asyncDispose]())
    return listening
  }

  async connect(path = this.path): Promise<XenStoreClient> {
    const client = new XenStoreClient(await SocketChannel.connect(path))
    this.#undo.push(() => client.close())
    return client
  }

  /** A client that speaks no XenStore by itself. */
  async connectRaw(allowHalfOpen = false): Promise<Socket> {
    const socket = createConnection({ path: this.path, allowHalfOpen })
    this.#undo.push(() => socket.destroy())
    await new Promise((resolve) => socket.once('connect', resolve))
    return socket
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const each of this.#undo.reverse()) await each()
  }
}
