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

export interface ProcessLogOptions {
  readonly level: LogLevel
  /** Lines of JSON in place of text. */
  readonly json: boolean
  /** File descriptor; standard error unless given. Another one is the log's from here on, and closed with it. */
  readonly fd?: number
  readonly clock: Clock
}

/** The log of a command: one line an event. */
export class ProcessLog implements AsyncDisposable {
  readonly log: Logger
  readonly #stream: ReturnType<typeof destination>
  readonly #clock: Clock

  constructor({ level, json, fd = 2, clock }: ProcessLogOptions) {
    this.#clock = clock
    this.#stream = destination({ dest: fd, sync: false, maxLength: MAX_WAITING_BYTES })
    const format = json ? escapeControls : textLine
    const lines: DestinationStream = { write: (line) => void this.#stream.write(`${format(line.trimEnd())}\n`) }
    const formatters = { level: (label: string) => ({ level: label }) }
    this.log = pino({ level, base: null, timestamp: stdTimeFunctions.isoTime, formatters }, lines)
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
