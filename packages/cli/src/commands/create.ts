import { readFile, stat } from 'node:fs/promises'
import type { Command } from 'commander'
import { ConfigError } from '../config/config-error.js'
import { ControlClient } from '../control/control-client.js'
import { ExitCode } from '../exit-code.js'
import type { DomainConfig } from '../xl-config/domain-config.js'
import { readDomainConfig } from '../xl-config/read-domain-config.js'
import type { CommandHost } from './command-host.js'
import { showConsole } from './console.js'
import { addSocketOption, type SocketOption } from './socket-option.js'

interface CreateOptions extends SocketOption {
  readonly console: boolean
  readonly paused: boolean
  readonly quiet: boolean
  readonly dryRun: boolean
}

const HELP = `
FILE is in the format of xl.cfg(5). What differs from xl: kernel names a JavaScript module that exports a guest's code as
"program", and relative paths of kernel and disks begin at the file's own folder. Keys without effect are told in a warning.

KEY=VALUE stands as if it were written at the file's end. Strings need their quotes, which a shell takes away: quote twice.

Examples:
  split-driver create mini.cfg
  split-driver create -c mini.cfg memory=64 'name="second"; vcpus=2'
  split-driver create --dry-run mini.cfg`

/** `split-driver create`. */
export const addCreate = (program: Command, host: CommandHost): void => {
  const command = program
    .command('create')
    .description('create a domain from a configuration file, and start it')
    .argument('<file>', 'the configuration')
    .argument('[key=value...]', 'what replaces or adds to it')
    .option('-c, --console', 'attach to its console as soon as it is there', false)
    .option('-p, --paused', 'leave it paused', false)
    .option('-q, --quiet', 'say nothing but what is wrong', false)
    .option('-n, --dry-run', 'only read the configuration, and print it as JSON', false)
  addSocketOption(command)
    .addHelpText('after', HELP)
    .action(async (file: string, overrides: string[], options: CreateOptions) =>
      host.finish(await create(file, overrides, options)),
    )
}

const create = async (file: string, overrides: string[], options: CreateOptions): Promise<ExitCode> => {
  const { config, warnings } = readDomainConfig(file, await textOf(file), overrides)
  if (!options.quiet) for (const warning of warnings) process.stderr.write(`${warning}\n`)
  if (options.dryRun) {
    process.stdout.write(`${JSON.stringify(config, null, 2)}\n`)
    return ExitCode.Okay
  }
  await expectModule(file, config)
  using client = await ControlClient.connect(options.socket)
  // Whoever wants to see it boots it when he looks.
  const paused = options.paused || options.console
  const { domid, name } = await client.request('create', { config, paused })
  if (!options.quiet) process.stderr.write(`${name} is domain ${domid}\n`)
  if (options.console)
    await showConsole(client, String(domid), { readOnly: false, history: true, printable: false }, async () => {
      if (!options.paused) await client.request('unpause', { domain: String(domid) })
    })
  return ExitCode.Okay
}

const textOf = async (file: string): Promise<string> => {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new ConfigError(file, `cannot be read: ${error instanceof Error ? error.message : error}`, { cause: error })
  }
}

/** Files of other machines name real kernels. */
const expectModule = async (file: string, { kernel }: DomainConfig): Promise<void> => {
  const found = await stat(kernel).catch((error: NodeJS.ErrnoException) => {
    throw new ConfigError(file, `the kernel ${kernel} cannot be reached (${error.code})`)
  })
  if (!found.isFile() || !/\.[cm]?js$/.test(kernel))
    throw new ConfigError(
      file,
      `the kernel ${kernel} is no JavaScript module (.js, .mjs); this machine runs no other code`,
    )
}
