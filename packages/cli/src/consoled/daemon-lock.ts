import { readdir, unlink } from 'node:fs/promises'
import { createConnection, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { XenError } from '@split-driver/abi'
import { listenAlone, listenPrivately } from '@split-driver/xenstored/node'
import { DOMAIN_SOCKET, daemonSocket } from './socket-names.js'

/**
 * Keeps a second daemon out of a folder of sockets. Held by listening: it ends with the process, however that ends. Who
 * connects is told our process id.
 */
export class DaemonLock implements AsyncDisposable {
  readonly #server: Server

  /**
   * Takes the folder, and removes what a daemon that was killed left in it.
   * @throws XenError EBUSY if a living daemon holds it
   */
  static async take(folder: string): Promise<DaemonLock> {
    const path = daemonSocket(folder)
    const server = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.end(`${process.pid}\n`)
    })
    await listenAlone(
      path,
      () => listenPrivately(server, path),
      async () => busy(folder, await holderOf(path)),
    )
    await removeLeftovers(folder)
    return new DaemonLock(server)
  }

  private constructor(server: Server) {
    this.#server = server
  }

  /** Gives the folder free. */
  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

/** What the daemon at the socket says of itself. */
const holderOf = async (path: string): Promise<string> => {
  let answer = ''
  for await (const chunk of createConnection(path).setEncoding('utf8')) answer += chunk
  return answer.trim()
}

const busy = (folder: string, pid: string): XenError =>
  new XenError('EBUSY', `another consoled (process ${pid}) serves ${folder}: stop it, or choose another folder`, {
    detail: { folder, pid },
  })

const removeLeftovers = async (folder: string): Promise<void> => {
  for (const name of await readdir(folder)) if (DOMAIN_SOCKET.test(name)) await unlink(join(folder, name))
}
