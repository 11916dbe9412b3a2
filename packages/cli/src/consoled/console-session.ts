import { join } from 'node:path'
import type { ConsoleBackend } from '@split-driver/console'
import type { Clock } from '@split-driver/platform'
import { ConsoleLogFile } from './console-log-file.js'
import { ConsoleServer } from './console-server.js'
import { domainSocket } from './socket-names.js'

export interface SessionOptions {
  readonly logFolder: string | undefined
  readonly socketFolder: string | undefined
  readonly clock: Clock
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
    const served = Promise.all([listening, end]).then(([server]) => server?.close())
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
    const { socketFolder, clock, onError } = this.#options
    if (socketFolder === undefined) return undefined
    try {
      return await ConsoleServer.listen(domainSocket(socketFolder, console.domid), console, clock)
    } catch (error) {
      onError(error instanceof Error ? error : new Error(String(error)))
      return undefined
    }
  }
}
