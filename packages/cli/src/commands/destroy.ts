import type { Command } from 'commander'
import { ControlClient } from '../control/control-client.js'
import { ExitCode } from '../exit-code.js'
import type { CommandHost } from './command-host.js'
import { addSocketOption, type SocketOption } from './socket-option.js'

/** `split-driver destroy`. */
export const addDestroy = (program: Command, host: CommandHost): void => {
  const command = program
    .command('destroy')
    .description('end a domain at once, as if its power were cut')
    .argument('<domain>', 'its name or number')
  addSocketOption(command)
    .addHelpText('after', '\nExamples:\n  split-driver destroy mini')
    .action(async (domain: string, { socket }: SocketOption) => {
      using client = await ControlClient.connect(socket)
      await client.request('destroy', { domain })
      host.finish(ExitCode.Okay)
    })
}
