import { NotRun } from '@split-driver/debian'
import { Command, CommanderError, InvalidArgumentError } from 'commander'

/** The caller's own mistake: one clear line and exit code 2, no stack. */
export class UsageError extends Error {}

/** A command that throws instead of leaving the process, and says one line instead of its whole help. */
export function quietCommand(name: string, describe: string): Command {
  return new Command(name)
    .description(describe)
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, `${name}: `)) })
}

/** What this machine lacks kept it from being tried: nothing was proven and nothing refuted. The lab says it by the same. */
const notRunCode = 3

/** Runs `main`; resolves to the exit code. */
export async function exitCodeOf(name: string, main: () => Promise<number>): Promise<number> {
  try {
    return await main()
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    if (error instanceof NotRun) {
      process.stderr.write(`${name}: not run: ${error.message}\n`)
      return notRunCode
    }
    if (!(error instanceof UsageError)) throw error
    process.stderr.write(`${name}: ${error.message}\n`)
    return 2
  }
}

/** A parser for commander: a whole number from `least` to `most`; `_` may group its digits. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d+(_\d+)*$/.test(text) ? Number(text.replaceAll('_', '')) : Number.NaN
    if (value >= least && value <= most) return value
    throw new InvalidArgumentError(`a whole number from ${least} to ${most} is needed.`)
  }
}

/** The entry called `name`, or a UsageError that says which there are. */
export function chosen<T>(entries: ReadonlyMap<string, T>, kind: string, name: string): T {
  const entry = entries.get(name)
  if (entry !== undefined) return entry
  throw new UsageError(`there is no ${kind} '${name}'; there is ${[...entries.keys()].join(', ') || 'none at all'}`)
}
