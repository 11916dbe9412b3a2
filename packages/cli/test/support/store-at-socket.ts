import { createServer, type Server } from 'node:net'
import type { Domid } from '@split-driver/abi'
import { XenStoreClient } from '@split-driver/xenbus'
import { SocketChannel } from '@split-driver/xenbus/node'
import { XenstoreServer } from '@split-driver/xenstored'
import { NO_HYPERVISOR } from '../../src/xenstored/no-hypervisor.js'
import { ScratchFolder } from './scratch-folder.js'

/** Takes what CONTROL has written. */
const SILENT = {
  print: () => undefined,
  openLog: () => ({ write: () => undefined, close: () => undefined }),
  timestamp: () => '',
}

/** A XenStore of a test's own at a Unix socket; who connects to `path` is domain 0, to `guestPath` domain 5. */
export class StoreAtSocket implements AsyncDisposable {
  readonly #folder = new ScratchFolder()
  readonly #server = new XenstoreServer(NO_HYPERVISOR, { console: SILENT })
  readonly path = this.#folder.file('socket')
  readonly guestPath = this.#folder.file('guest')
  readonly #listeners: Server[] = []

  static async open(): Promise<StoreAtSocket> {
    const made = new StoreAtSocket()
    await made.#listen(made.path, 0 as Domid)
    await made.#listen(made.guestPath, 5 as Domid)
    return made
  }

  async client(): Promise<XenStoreClient> {
    return new XenStoreClient(await SocketChannel.connect(this.path))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server[Symbol.dispose]()
    await Promise.all(this.#listeners.map((one) => new Promise((resolve) => one.close(resolve))))
    this.#folder[Symbol.dispose]()
  }

  #listen(path: string, domid: Domid): Promise<void> {
    const listener = createServer((socket) =>
      this.#server.accept(new SocketChannel(socket), { domid, privileged: domid === 0 }),
    )
    this.#listeners.push(listener)
    return new Promise((resolve) => listener.listen(path, resolve))
  }
}
