import { join } from 'node:path'
import { XenError } from '@split-driver/abi'
import type { ConsoleBackend } from '@split-driver/console'
import type { Clock } from '@split-driver/platform'
import type { XenStore } from '@split-driver/xenbus'
import { announceSocket, withdrawSocket } from './announced-socket.js'
import { ConsoleLogFile } from './console-log-file.js'
import { ConsoleServer } from './console-server.js'
import { domainSocket } from './socket-names.js'

export interface SessionOptions {
  readonly logFolder: string | undefined
  readonly socketFolder: string | undefined
  readonly clock: Clock
  readonly xenstore: XenStore
  /** Something of this console does not work; the rest goes on. */
  readonly onError: (error: Error) => void
  /** Bytes that are missing in the log file. */
  readonly onDropped: (bytes: number) => void
}

/** Name of a domain's log below the folder of logs. */
export const logFileName = (domid: number): string => `domain-${domid}.log`

/** What the daemon does for one console: its log file, and the socket where terminals attach. */
export class ConsoleSession {
  /** Resolves when the file and the socket are there, as far as they can be had; never rejects. */
  readonly ready: Promise<void>
  /** Resolves when the console has ended, and its file and its socket are closed; never rejects. */
  readonly ended: Promise<void>
  readonly #options: SessionOptions
  #end!: () => void

  /** @param after the end of the session that the same domid had before */
  constructor(console: ConsoleBackend, options: SessionOptions, after: Promise<void>) {
    this.#options = options
    const end = new Promise<void>((resolve) => {
      this.#end = resolve
    })
    const file = this.#log(console, after)
    const listening = after.then(() => this.#listen(console))
    const served = Promise.all([listening, end]).then(([server]) => server && this.#close(console, server))
    this.ready = Promise.all([file?.ready, listening]).then(() => undefined)
    this.ended = Promise.all([file?.done, served]).then(() => undefined)
  }

  /** The console has ended. */
  end(): void {
    this.#end()
  }

  #log(console: ConsoleBackend, after: Promise<void>): ConsoleLogFile | undefined {
    const { logFolder } = this.#options
    if (logFolder === undefined) return undefined
    return new ConsoleLogFile(join(logFolder, logFileName(console.domid)), console, this.#options, after)
  }

  async #listen(console: ConsoleBackend): Promise<ConsoleServer | undefined> {
    const { socketFolder, clock, xenstore, onError } = this.#options
    if (socketFolder === undefined) return undefined
    const { domid } = console
    const path = domainSocket(socketFolder, domid)
    let server: ConsoleServer | undefined
    try {
      server = await ConsoleServer.listen(path, console, clock)
      await announceSocket(xenstore, domid, path)
    } catch (error) {
      onError(asError(error))
    }
    return server
  }

  async #close({ domid }: ConsoleBackend, server: ConsoleServer): Promise<void> {
    const { socketFolder, xenstore, onError } = this.#options
    try {
      if (socketFolder !== undefined) await withdrawSocket(xenstore, domid, domainSocket(socketFolder, domid))
    } catch (error) {
      // Without XenStore there is nobody who could read it.
      if (!XenError.is(error, 'CLOSED')) onError(asError(error))
    }
    await server.close()
  }
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)))
