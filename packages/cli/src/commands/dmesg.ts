import { printable } from '@split-driver/console'
import type { Command } from 'commander'
import { ControlClient } from '../control/control-client.js'
import { ExitCode } from '../exit-code.js'
import type { CommandHost } from './command-host.js'
import { addSocketOption, type SocketOption } from './socket-option.js'

const HELP = `
A guest writes there by HYPERVISOR_console_io, before it has a console of its own; each of its lines begins with (d<domid>).
The machine keeps the last 16 KiB.

Examples:
  split-driver dmesg`

/** `split-driver dmesg`. */
export const addDmesg = (program: Command, host: CommandHost): void => {
  const command = program.command('dmesg').description("print what guests have said on the machine's own console")
  addSocketOption(command)
    .addHelpText('after', HELP)
    .action(async ({ socket }: SocketOption) => {
      using client = await ControlClient.connect(socket)
      const { text, droppedBytes } = await client.request('dmesg', {})
      if (droppedBytes > 0) process.stderr.write(`the first ${droppedBytes} bytes are not kept any more\n`)
      process.stdout.write(printable(new TextEncoder().encode(text)))
      host.finish(ExitCode.Okay)
    })
}
