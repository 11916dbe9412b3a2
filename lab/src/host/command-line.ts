import { constants } from 'node:os'
import { NotRun } from '@split-driver/debian'
import { type Command, CommanderError, InvalidArgumentError } from 'commander'
import { UsageError } from './usage-error.js'

/** Exit codes besides 0 and 1. The last one: nothing failed, and nothing was proven. */
export const usageCode = 2
export const notRunCode = 3

/**
 * Reads the command line and runs `main`, whose result is the exit code. A mistake of the caller is answered by one line;
 * a signal ends the process through `exit`, where what it started is ended.
 */
export async function runProgram<Options>(program: Command, main: (options: Options) => Promise<number>) {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    // The code is the one that a shell would say.
    process.once(signal, () => process.exit(128 + constants.signals[signal]))
  }
  const say = (text: string) => process.stderr.write(`${program.name()}: ${text.trimEnd()}\n`)
  try {
    const quiet = program.exitOverride().allowExcessArguments(false)
    quiet.configureOutput({ outputError: (text) => say(text.replace(/^error: /, '')) })
    process.exitCode = await main(quiet.parse().opts() as Options)
  } catch (error) {
    process.exitCode = codeOf(error as Error)
    if (!(error instanceof CommanderError))
      say(process.exitCode === 1 ? `${(error as Error).stack}` : textOf(error as Error))
  }
}

function codeOf(error: Error): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : usageCode
  if (error instanceof NotRun) return notRunCode
  return error instanceof UsageError ? usageCode : 1
}

const textOf = (error: Error) => (error instanceof NotRun ? `not run: ${error.message}` : error.message)

/** A parser for commander: seconds, more than none and at most an hour. */
export function secondsArgument(text: string): number {
  const seconds = Number(text)
  if (seconds > 0 && seconds <= 3600) return seconds
  throw new InvalidArgumentError('seconds, up to 3600, are needed.')
}
