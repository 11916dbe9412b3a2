import { type Command, InvalidArgumentError } from 'commander'
import { ControlClient } from '../control/control-client.js'
import { ExitCode } from '../exit-code.js'
import type { CommandHost } from './command-host.js'
import { addSocketOption, type SocketOption } from './socket-option.js'

/** What is done to one domain, and done when it is answered. */
const VERBS = [
  ['pause', 'stop a domain where it is; pauses nest', 'pause'],
  ['unpause', 'let a paused domain go on', 'unpause'],
  ['destroy', 'end a domain at once, as if its power were cut', 'destroy'],
] as const

/** `split-driver pause`, `unpause`, `destroy`, `rename`, `shutdown`, `reboot`. */
export const addDomainVerbs = (program: Command, host: CommandHost): void => {
  for (const [name, description, operation] of VERBS) {
    const command = program.command(name).description(description).argument('<domain>', 'its name or number')
    addSocketOption(command)
      .addHelpText('after', `\nExamples:\n  split-driver ${name} mini`)
      .action(async (domain: string, { socket }: SocketOption) => {
        using client = await ControlClient.connect(socket)
        await client.request(operation, { domain })
        host.finish(ExitCode.Okay)
      })
  }
  addRename(program, host)
  addShutdown(program, host)
  addReboot(program, host)
}

const addRename = (program: Command, host: CommandHost): void => {
  const command = program
    .command('rename')
    .description('give a domain another name')
    .argument('<domain>', 'its name or number')
    .argument('<name>', 'the new one')
  addSocketOption(command)
    .addHelpText('after', '\nExamples:\n  split-driver rename mini maxi')
    .action(async (domain: string, name: string, { socket }: SocketOption) => {
      using client = await ControlClient.connect(socket)
      await client.request('rename', { domain, name })
      host.finish(ExitCode.Okay)
    })
}

interface AskOptions extends SocketOption {
  readonly timeout: number
}

interface ShutdownOptions extends AskOptions {
  readonly all: boolean
  readonly wait: boolean
}

const SHUTDOWN_HELP = `
The guest is asked by its key control/shutdown. What becomes of it then, on_poweroff says in its configuration.

Examples:
  split-driver shutdown mini
  split-driver shutdown --all --wait`

const addShutdown = (program: Command, host: CommandHost): void => {
  const command = program
    .command('shutdown')
    .description('ask a guest to shut down, and wait until it has acknowledged that')
    .argument('[domain]', 'its name or number')
    .option('-a, --all', 'all guests that run', false)
    .option('-w, --wait', 'wait until it has stopped', false)
  addTimeout(addSocketOption(command))
    .addHelpText('after', SHUTDOWN_HELP)
    .action(async (domain: string | undefined, { socket, all, wait, timeout }: ShutdownOptions) => {
      if (all === (domain !== undefined)) command.error('error: expected a domain, or --all, and not both')
      using client = await ControlClient.connect(socket)
      const domains = domain === undefined ? await guests(client) : [domain]
      const ask = { request: 'poweroff', acknowledgeMilliseconds: timeout * 1000, wait } as const
      await Promise.all(domains.map((which) => client.request('shutdown', { domain: which, ...ask })))
      host.finish(ExitCode.Okay)
    })
}

const addReboot = (program: Command, host: CommandHost): void => {
  const command = program
    .command('reboot')
    .description('ask a guest to reboot; on_reboot says what becomes of it')
    .argument('<domain>', 'its name or number')
  addTimeout(addSocketOption(command))
    .addHelpText('after', '\nExamples:\n  split-driver reboot mini')
    .action(async (domain: string, { socket, timeout }: AskOptions) => {
      using client = await ControlClient.connect(socket)
      const ask = { request: 'reboot', acknowledgeMilliseconds: timeout * 1000, wait: false } as const
      await client.request('shutdown', { domain, ...ask })
      host.finish(ExitCode.Okay)
    })
}

const addTimeout = (command: Command): Command =>
  command.option('-t, --timeout <seconds>', 'how long the guest has to acknowledge', seconds, 60)

const seconds = (text: string): number => {
  if (/^[1-9]\d{0,3}$/.test(text) && Number(text) <= 3600) return Number(text)
  throw new InvalidArgumentError('Expected a whole number from 1 to 3600.')
}

/** The control domain is no guest, and who has stopped cannot be asked. */
const guests = async (client: ControlClient): Promise<string[]> => {
  const lines = await client.request('list', {})
  return lines.flatMap(({ domid, shutdownReason }) =>
    domid === 0 || shutdownReason !== undefined ? [] : [String(domid)],
  )
}
