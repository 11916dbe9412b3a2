import { type Domid, domid } from '@split-driver/abi'
import { type Command, InvalidArgumentError } from 'commander'
import { attachConsole } from '../consoled/attach-console.js'
import { DEFAULT_SOCKET_FOLDER } from '../consoled/socket-names.js'
import { runTerminal } from '../consoled/terminal.js'
import { ExitCode } from '../exit-code.js'
import type { CommandHost } from './command-host.js'

interface ConsoleOptions {
  readonly socketDir: string
  readonly readOnly: boolean
  readonly history: boolean
  readonly printable: boolean
}

const HELP = `
Ctrl-] leaves the console; the domain goes on. Without a terminal, standard input is typed until it ends, and output is
shown until the domain ends.

Examples:
  split-driver console 3
  split-driver console 3 --read-only --printable >boot.txt`

/** `split-driver console`. */
export const addConsole = (program: Command, host: CommandHost): void => {
  program
    .command('console')
    .description("attach this terminal to a domain's console")
    .argument('<domid>', "the domain's number", domainNumber)
    .option('--socket-dir <folder>', 'where split-driver consoled has its sockets', DEFAULT_SOCKET_FOLDER)
    .option('--read-only', 'do not type: another terminal may', false)
    .option('--no-history', 'begin with what the domain writes from now on')
    .option('--printable', 'take out escape sequences and control characters', false)
    .addHelpText('after', HELP)
    .action(async (which: Domid, options: ConsoleOptions) => {
      await attach(which, options)
      host.finish(ExitCode.Okay)
    })
}

const domainNumber = (text: string): Domid => {
  try {
    if (/^\d{1,5}$/.test(text)) return domid(Number(text))
  } catch {
    // Beyond the last domain there can be.
  }
  throw new InvalidArgumentError("Expected a domain's number, such as 3.")
}

const attach = async (which: Domid, options: ConsoleOptions): Promise<void> => {
  const { socketDir: socketFolder, history, readOnly, printable } = options
  using console = await attachConsole({
    socketFolder,
    domid: which,
    access: readOnly ? 'read' : 'write',
    history,
  })
  const { stdin: input, stdout: output, stderr: notices } = process
  await runTerminal(console, { input: readOnly && !input.isTTY ? undefined : input, output, notices, printable })
}
