import type { Command } from 'commander'
import { ControlClient } from '../control/control-client.js'
import { ExitCode } from '../exit-code.js'
import { whyText } from '../why/why-text.js'
import type { CommandHost } from './command-host.js'
import { addSocketOption, type SocketOption } from './socket-option.js'

interface WhyOptions extends SocketOption {
  readonly json: boolean
}

const HELP = `
Looks at both halves' XenBus states, the indices in the ring's page, the event channel's two ends and the grants, and says in
a sentence what the device waits for. Ids are those in ring slots that no response has taken yet. Nothing is changed.

Examples:
  split-driver why mini
  split-driver why mini xvda
  split-driver why mini console --json`

/** `split-driver why`. */
export const addWhy = (program: Command, host: CommandHost): void => {
  const command = program
    .command('why')
    .description("explain what a domain's devices wait for")
    .argument('<domain>', 'its name or number')
    .argument('[device]', 'only this one: xvda, vbd/51712, console or xenstore')
    .option('--json', 'as JSON', false)
  addSocketOption(command)
    .addHelpText('after', HELP)
    .action(async (domain: string, device: string | undefined, { socket, json }: WhyOptions) => {
      using client = await ControlClient.connect(socket)
      const report = await client.request('why', { domain, ...(device === undefined ? {} : { device }) })
      process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : whyText(report))
      host.finish(ExitCode.Okay)
    })
}
