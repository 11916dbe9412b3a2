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
  /** Resolves when the console has ended, and its file and its socket are closed; never rejects. */
  readonly ended: Promise<void>
  #end!: () => void

  /** @param after the end of the session that the same domid had before */
  constructor(console: ConsoleBackend, options: SessionOptions, after: Promise<void>) {
    const end = new Promise<void>((resolve) => {
      this.#end = resolve
    })
    this.ended = Promise.all([this.#log(console, options, after), this.#listen(console, options, after, end)]).then(
      () => undefined,
    )
  }

  /** The console has ended. */
  end(): void {
    this.#end()
  }

  #log(console: ConsoleBackend, options: SessionOptions, after: Promise<void>): Promise<void> {
    if (options.logFolder === undefined) return Promise.resolve()
    return new ConsoleLogFile(join(options.logFolder, logFileName(console.domid)), console, options, after).done
  }

  async #listen(
    console: ConsoleBackend,
    { socketFolder, clock, onError }: SessionOptions,
    after: Promise<void>,
    end: Promise<void>,
  ): Promise<void> {
    if (socketFolder === undefined) return
    await after
    try {
      const server = await ConsoleServer.listen(domainSocket(socketFolder, console.domid), console, clock)
      await end
      await server.close()
    } catch (error) {
      onError(error instanceof Error ? error : new Error(String(error)))
    }
  }
}
