// `npm run lab`: a fresh dom0 to look around in, or to run one command in.
import { Command } from 'commander'
import { runShell } from './lab-shell.js'
import { Dom0 } from './machine/dom0.js'
import { NotRun } from './not-run.js'
import { prepare } from './prepare.js'
import { ProgressDisplay } from './report/progress-display.js'
import { makeRunFolder } from './run-folder.js'
import { endOnSignals } from './signals.js'
import { UsageError } from './usage-error.js'

interface Options {
  exec?: string
  limit: string
}

const program = new Command('lab')
  .description('Boots real Xen in QEMU, with the project in dom0: a shell there, or one command.')
  .option('--exec <command>', 'run this shell command in dom0, print what it says, and exit with its exit code')
  .option('--limit <seconds>', 'end the command after so many seconds', '600')
  .allowExcessArguments(false)

async function main({ exec, limit }: Options): Promise<number> {
  if (exec === undefined && !process.stdin.isTTY)
    throw new UsageError('a shell needs a terminal; in a script use --exec')
  const folder = makeRunFolder()
  using display = new ProgressDisplay(process.stderr)
  const prepared = await prepare(folder, display)
  display.doing('booting Xen and dom0')
  if (exec === undefined) return runShell(prepared.machine(['lab=shell']), display)
  const { dom0 } = await Dom0.boot(prepared.machine([]), folder.logs, 1)
  await using _ = dom0
  display[Symbol.dispose]()
  return await dom0.runCommand(exec, Number(limit), (text) => process.stdout.write(text))
}

endOnSignals()
try {
  process.exitCode = await main(program.parse().opts<Options>())
} catch (error) {
  const { code, text } = explain(error as Error)
  process.stderr.write(`lab: ${text}\n`)
  process.exitCode = code
}

/** The same codes as of test:xen. */
function explain(error: Error): { code: number; text: string } {
  if (error instanceof NotRun) return { code: 3, text: `not run: ${error.message}` }
  if (error instanceof UsageError) return { code: 2, text: error.message }
  return { code: 1, text: error.stack ?? error.message }
}
