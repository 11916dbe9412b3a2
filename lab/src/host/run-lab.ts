// `npm run lab`: a fresh dom0 to look around in, or to run one command in.
import { Command, Option } from 'commander'
import type { StoreDaemon } from '../scenario.js'
import { runProgram, secondsArgument } from './command-line.js'
import { openShell, requireTerminal } from './lab-shell.js'
import { Dom0 } from './machine/dom0.js'
import { prepare } from './prepare.js'
import { ProgressDisplay } from './report/progress-display.js'
import { makeRunFolder } from './run-folder.js'

interface Options {
  readonly exec?: string
  readonly limit: number
  readonly xenstored: StoreDaemon
}

const program = new Command('lab')
  .description('Boots real Xen in QEMU, with the project in dom0: a shell there, or one command.')
  .option('--exec <command>', 'run this shell command in dom0, print what it says, and exit with its exit code')
  .addOption(
    new Option('--xenstored <whose>', "whose XenStore daemon dom0 boots with: Xen's own, or ours")
      .choices(['xenstored', 'split-driver'] satisfies StoreDaemon[])
      .default('xenstored'),
  )
  .option('--limit <seconds>', 'end the command after so many seconds', secondsArgument, 600)

await runProgram<Options>(program, async ({ exec, limit, xenstored }) => {
  if (exec === undefined) requireTerminal()
  const folder = makeRunFolder()
  using display = new ProgressDisplay(process.stderr)
  const prepared = await prepare(folder, display)
  display.doing('booting Xen and dom0')
  const { dom0 } = await Dom0.boot(prepared.machineWith(xenstored), folder.logs, 1)
  await using _ = dom0
  display[Symbol.dispose]()
  // Awaited here: dom0 must live until then.
  if (exec !== undefined) return await dom0.runCommand(exec, limit, (text) => process.stdout.write(text))
  await openShell(dom0)
  return 0
})
