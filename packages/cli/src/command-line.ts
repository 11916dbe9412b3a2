import { Command, CommanderError } from 'commander'
import { addBlkback } from './commands/blkback.js'
import { addBlock } from './commands/block.js'
import type { CommandHost, CommandWorld } from './commands/command-host.js'
import { addCompletion } from './commands/completion.js'
import { addConsole } from './commands/console.js'
import { addConsoled } from './commands/consoled.js'
import { addCreate } from './commands/create.js'
import { addDmesg } from './commands/dmesg.js'
import { addDoctor } from './commands/doctor.js'
import { addDomainVerbs } from './commands/domain-verbs.js'
import { addList } from './commands/list.js'
import { addMachine } from './commands/machine.js'
import { SaidAlready } from './commands/said-already.js'
import { addVcpuList } from './commands/vcpu-list.js'
import { addWhy } from './commands/why.js'
import { addXenstore } from './commands/xenstore.js'
import { addXenstored } from './commands/xenstored.js'
import { ConfigError } from './config/config-error.js'
import { ExitCode } from './exit-code.js'
import { version } from './version.js'

/**
 * The command `split-driver` over any world.
 * @param argv what follows the program's name
 * @returns the exit code; errors are told on standard error, in one line
 */
export const runCommandLine = async (argv: readonly string[], world: CommandWorld): Promise<ExitCode> => {
  let code: ExitCode = ExitCode.Okay
  const host: CommandHost = {
    ...world,
    finish: (outcome) => {
      code = outcome
    },
  }
  try {
    await program(host).parseAsync(argv, { from: 'user' })
    return code
  } catch (error) {
    return report(error)
  }
}

const commands = [
  addMachine,
  addCreate,
  addList,
  addConsole,
  addDomainVerbs,
  addVcpuList,
  addBlock,
  addXenstore,
  addDmesg,
  addWhy,
  addDoctor,
  addBlkback,
  addConsoled,
  addXenstored,
  addCompletion,
]

const program = (host: CommandHost): Command => {
  const command = new Command('split-driver')
    .description('An emulated Xen machine and its toolstack; block devices and consoles for guests of a real host.')
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help for a command')
    .showHelpAfterError('(split-driver --help lists commands and options)')
    .exitOverride()
    .addHelpText('after', '\nBegin with: split-driver machine; on a Xen host, with: split-driver doctor')
  for (const add of commands) add(command, host)
  return command
}

const report = (error: unknown): ExitCode => {
  // commander has said why already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.Okay : ExitCode.Usage
  if (error instanceof SaidAlready) return error.exitCode
  process.stderr.write(`split-driver: ${error instanceof Error ? error.message : String(error)}\n`)
  return error instanceof ConfigError ? ExitCode.Usage : ExitCode.Failed
}
