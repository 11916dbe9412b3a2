import type { ExitCode } from '../exit-code.js'

/** Ends a command of which standard error has said already why it cannot be done. */
export class SaidAlready extends Error {
  override readonly name = 'SaidAlready'
  readonly exitCode: ExitCode

  constructor(exitCode: ExitCode) {
    super(`exit code ${exitCode}`)
    this.exitCode = exitCode
  }
}
