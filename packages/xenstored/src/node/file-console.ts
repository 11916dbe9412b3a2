import { closeSync, openSync, writeSync } from 'node:fs'
import { resolve } from 'node:path'
import { XenError } from '@split-driver/abi'
import { wireError } from '@split-driver/xenbus'
import type { LogFile, ServerConsole } from '../control/server-console.js'

/** Nobody but the owner reads what guests said. */
const OWNER_ONLY = 0o600

/**
 * A console whose logs are files. Each line is written at once, as the original does: what was logged before a crash is
 * there.
 */
export class FileConsole implements ServerConsole {
  readonly #directory: string
  readonly #print: (text: string) => void

  /**
   * @param directory where relative names begin
   * @param print takes what is for whoever runs the daemon
   */
  constructor(directory: string, print: (text: string) => void) {
    this.#directory = directory
    this.#print = print
  }

  print(text: string): void {
    this.#print(text)
  }

  openLog(name: string): LogFile {
    const file = said(() => openSync(resolve(this.#directory, name), 'a', OWNER_ONLY))
    return {
      write: (line) => void said(() => writeSync(file, `${line}\n`)),
      close: () => closeSync(file),
    }
  }

  timestamp(): string {
    const [date, time] = new Date().toISOString().split('T') as [string, string]
    return `${date.replaceAll('-', '')} ${time.slice(0, 8)}`
  }
}

/** @throws XenError for what the system said */
const said = <T>(action: () => T): T => {
  try {
    return action()
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error
    throw new XenError(wireError(String(error.code)), error.message, { cause: error })
  }
}
