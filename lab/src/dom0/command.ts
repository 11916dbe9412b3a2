import { execFile } from 'node:child_process'

export interface CommandOptions {
  /** Seconds after which it is killed and has failed; 60 unless given. */
  readonly seconds?: number
  /** Exit statuses that are no failure; 0 unless given. */
  readonly statuses?: readonly number[]
}

export interface CommandResult {
  readonly status: number
  /** What it wrote to its standard output. */
  readonly output: string
  /** What it wrote to its standard error. */
  readonly complaint: string
}

/** Runs a program of dom0 to its end. @throws Error with what it said, if it fails, cannot be started or takes too long */
export const command = (
  program: string,
  args: readonly string[],
  { seconds = 60, statuses = [0] }: CommandOptions = {},
): Promise<CommandResult> =>
  new Promise((resolve, reject) => {
    const options = { timeout: seconds * 1000, killSignal: 'SIGKILL', maxBuffer: 1 << 26 } as const
    execFile(program, [...args], options, (error, output, complaint) => {
      const status = error === null ? 0 : error.code
      if (typeof status === 'number' && statuses.includes(status)) return resolve({ status, output, complaint })
      const how = error?.killed ? `did not end within ${seconds} s` : `failed (${status})`
      reject(new Error(`${program} ${args.join(' ')} ${how}: ${(complaint || output).trim().slice(-2000)}`))
    })
  })
