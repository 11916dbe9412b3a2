import type { Log, LogFields } from '@split-driver/cli'

export interface LogEntry extends LogFields {
  readonly level: string
  readonly message: string
}

/** A log that a test reads. */
export class LogList implements Log {
  readonly entries: LogEntry[] = []
  readonly debug = this.#taking('debug')
  readonly info = this.#taking('info')
  readonly warn = this.#taking('warn')
  readonly error = this.#taking('error')

  of(event: string): LogEntry[] {
    return this.entries.filter((entry) => entry['event'] === event)
  }

  #taking(level: string) {
    return (fields: LogFields, message: string): void => void this.entries.push({ ...fields, level, message })
  }
}
