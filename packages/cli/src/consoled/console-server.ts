import { createServer, type Server } from 'node:net'
import type { ConsoleBackend } from '@split-driver/console'
import type { Clock } from '@split-driver/platform'
import { listenPrivately } from '@split-driver/xenstored/node'
import { ConsoleConnection } from './console-connection.js'

/** Terminals at one console at a time. */
const MAX_CONNECTIONS = 32

/** Milliseconds in which terminals may still take what they have not read when a console ends. */
const FAREWELL_MS = 1000

/** Lets terminals attach to one console, at a Unix socket of its own. */
export class ConsoleServer {
  readonly #server: Server
  readonly #clock: Clock
  readonly #connections = new Set<ConsoleConnection>()

  /** @throws what the system says; nothing is left then */
  static async listen(path: string, console: ConsoleBackend, clock: Clock): Promise<ConsoleServer> {
    const made = new ConsoleServer(console, clock)
    await listenPrivately(made.#server, path)
    return made
  }

  private constructor(console: ConsoleBackend, clock: Clock) {
    this.#clock = clock
    this.#server = createServer((socket) => {
      const connection = new ConsoleConnection(console, socket)
      this.#connections.add(connection)
      void connection.done.then(() => this.#connections.delete(connection))
    })
    this.#server.maxConnections = MAX_CONNECTIONS
  }

  /** The console has ended: nobody attaches any more, and who is attached gets the rest. The socket is gone at once. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    const timer = this.#clock.setTimer(FAREWELL_MS, () => {
      for (const connection of this.#connections) connection.destroy()
    })
    await closed
    timer.cancel()
  }
}
