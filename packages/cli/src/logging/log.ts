import { closeSync, openSync } from 'node:fs'
import { XenError } from '@split-driver/abi'
import type { Clock } from '@split-driver/platform'
import { type DestinationStream, destination, type Logger, pino, stdTimeFunctions } from 'pino'
import { escapeControls, textLine } from './text-line.js'

export const logLevels = ['debug', 'info', 'warn', 'error'] as const

export type LogLevel = (typeof logLevels)[number]

/** What an event carries beside its message: `domid`, `device` … */
export type LogFields = Readonly<Record<string, unknown>>

/** Where daemons say what happens. pino's loggers are such, and so is a test's list. */
export interface Log {
  debug(fields: LogFields, message: string): void
  info(fields: LogFields, message: string): void
  warn(fields: LogFields, message: string): void
  error(fields: LogFields, message: string): void
}

/** Bytes that wait at most for a reader of the log that has stopped; what comes then is dropped: guests do not wait. */
const MAX_WAITING_BYTES = 1 << 18

/** How long the end of a command waits for such a reader. */
const LAST_WRITE_MS = 1000

/** Guests' own words may be in it. */
const FILE_MODE = 0o640

export interface ProcessLogOptions {
  readonly level: LogLevel
  /** Lines of JSON in place of text. */
  readonly json: boolean
  /** File descriptor; standard error unless given. Another one is the log's from here on, and closed with it. */
  readonly fd?: number
  /** Appended to, in place of a descriptor. */
  readonly file?: string | undefined
  readonly clock: Clock
}

/** The log of a command: one line an event. */
export class ProcessLog implements AsyncDisposable {
  readonly log: Logger
  readonly #stream: ReturnType<typeof destination>
  readonly #clock: Clock
  readonly #file: string | undefined

  /** @throws XenError EACCES if the file cannot be appended to */
  constructor({ level, json, fd = 2, file, clock }: ProcessLogOptions) {
    if (file !== undefined) assertAppendable(file)
    this.#clock = clock
    this.#file = file
    this.#stream = destination({ dest: file ?? fd, mode: FILE_MODE, sync: false, maxLength: MAX_WAITING_BYTES })
    // A full disk must not end a daemon: lines are lost then, and those that come later are tried again.
    this.#stream.on('error', () => undefined)
    const format = json ? escapeControls : textLine
    const lines: DestinationStream = { write: (line) => void this.#stream.write(`${format(line.trimEnd())}\n`) }
    const formatters = { level: (label: string) => ({ level: label }) }
    this.log = pino({ level, base: null, timestamp: stdTimeFunctions.isoTime, formatters }, lines)
  }

  /** Goes on in a new file, where the one before was moved away; nothing without a file. Keeps the old one if it cannot. */
  reopen(): void {
    if (this.#file === undefined) return
    try {
      assertAppendable(this.#file)
      this.#stream.reopen(this.#file)
    } catch (error) {
      this.log.error({ event: 'log' }, `kept the log file: ${error instanceof Error ? error.message : error}`)
    }
  }

  /** Writes what still waits, within a second. */
  async [Symbol.asyncDispose](): Promise<void> {
    const written = new Promise<void>((resolve) => {
      const timer = this.#clock.setTimer(LAST_WRITE_MS, resolve)
      this.#stream.once('close', () => {
        timer.cancel()
        resolve()
      })
    })
    this.#stream.end()
    await written
  }
}

const assertAppendable = (file: string): void => {
  try {
    closeSync(openSync(file, 'a', FILE_MODE))
  } catch (cause) {
    throw new XenError('EACCES', `cannot append to the log file ${file}: ${(cause as Error).message}`, { cause })
  }
}
