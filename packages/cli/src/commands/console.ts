import { domid as asDomid, type Domid, XenError } from '@split-driver/abi'
import type { Command } from 'commander'
import { ConfigError } from '../config/config-error.js'
import { attachConsole } from '../consoled/attach-console.js'
import { DEFAULT_SOCKET_FOLDER } from '../consoled/socket-names.js'
import { runTerminal } from '../consoled/terminal.js'
import { ControlClient } from '../control/control-client.js'
import { ExitCode } from '../exit-code.js'
import type { CommandHost } from './command-host.js'
import { addSocketOption, type SocketOption } from './socket-option.js'

export interface ShowOptions {
  readonly readOnly: boolean
  readonly history: boolean
  readonly printable: boolean
}

interface ConsoleOptions extends ShowOptions, SocketOption {
  readonly socketDir?: string
}

const HELP = `
Ctrl-] leaves the console; the domain goes on. Without a terminal, standard input is typed until it ends, and output is
shown until the domain ends.

The domain is one of the machine that runs at --socket. With --socket-dir, or if no machine runs, it is one that split-driver
consoled serves on a real host, by its number; ${DEFAULT_SOCKET_FOLDER} is the folder unless it was told another.

Examples:
  split-driver console mini
  split-driver console 3 --read-only --printable >boot.txt
  split-driver console 3 --socket-dir ${DEFAULT_SOCKET_FOLDER}`

/** `split-driver console`. */
export const addConsole = (program: Command, host: CommandHost): void => {
  const command = program
    .command('console')
    .description("attach this terminal to a domain's console")
    .argument('<domain>', "the domain's name or number")
    .option('--socket-dir <folder>', 'where split-driver consoled has its sockets')
    .option('--read-only', 'do not type: another terminal may', false)
    .option('--no-history', 'begin with what the domain writes from now on')
    .option('--printable', 'take out escape sequences and control characters', false)
  addSocketOption(command)
    .addHelpText('after', HELP)
    .action(async (which: string, options: ConsoleOptions) => {
      await show(which, options, command.getOptionValueSource('socket') !== 'default')
      host.finish(ExitCode.Okay)
    })
}

/** On a machine; or of consoled, if its folder is named, or if there is no machine and the domain has a number. */
const show = async (which: string, options: ConsoleOptions, named: boolean): Promise<void> => {
  const { socketDir, socket } = options
  if (socketDir !== undefined) return attach(socketDir, domainNumber(which), options)
  const client = await ControlClient.connect(socket).catch((error) => {
    if (named || !XenError.is(error, 'ENOENT') || !/^\d+$/.test(which)) throw error
    return undefined
  })
  if (client === undefined) return attach(DEFAULT_SOCKET_FOLDER, domainNumber(which), options)
  using connection = client
  await showConsole(connection, which, options)
}

/**
 * Joins this process's terminal and the console of a machine's domain, until Ctrl-] or its end.
 * @param onAttached is called when nothing of its output will be missed
 */
export const showConsole = async (
  client: ControlClient,
  domain: string,
  options: ShowOptions,
  onAttached?: () => Promise<void>,
): Promise<void> => {
  const { consoleFolder } = await client.request('about', {})
  const { domid } = await client.request('find', { domain })
  await attach(consoleFolder, asDomid(domid), options, onAttached)
}

const domainNumber = (text: string): Domid => {
  try {
    if (/^\d{1,5}$/.test(text)) return asDomid(Number(text))
  } catch {
    // Beyond the last domain there can be.
  }
  throw new ConfigError('--socket-dir', `'${text}' is invalid. Expected a domain's number, such as 3`)
}

const attach = async (
  socketFolder: string,
  domid: Domid,
  options: ShowOptions,
  onAttached?: () => Promise<void>,
): Promise<void> => {
  const { history, readOnly, printable } = options
  using console = await attachConsole({ socketFolder, domid, access: readOnly ? 'read' : 'write', history })
  await onAttached?.()
  const { stdin: input, stdout: output, stderr: notices } = process
  await runTerminal(console, { input: readOnly && !input.isTTY ? undefined : input, output, notices, printable })
}
