import type { Command } from 'commander'
import { ControlClient } from '../control/control-client.js'
import type { DomainLine } from '../control/operations.js'
import { ExitCode } from '../exit-code.js'
import type { CommandHost } from './command-host.js'
import { addSocketOption, type SocketOption } from './socket-option.js'

interface ListOptions extends SocketOption {
  readonly long: boolean
  readonly json: boolean
}

const HELP = `
State: r running, b blocked, p paused, s shut down, c crashed, d dying.

Examples:
  split-driver list
  split-driver list mini
  split-driver list --json | jq '.[].name'`

/** `split-driver list`. */
export const addList = (program: Command, host: CommandHost): void => {
  const command = program
    .command('list')
    .description('list the domains of a machine')
    .argument('[domain...]', 'only these, by name or number')
    .option('-l, --long', 'also what each was created with, as JSON', false)
    .option('--json', 'the table as JSON', false)
  addSocketOption(command)
    .addHelpText('after', HELP)
    .action(async (which: string[], options: ListOptions) => {
      await list(which, options)
      host.finish(ExitCode.Okay)
    })
}

const list = async (which: readonly string[], { socket, long, json }: ListOptions): Promise<void> => {
  using client = await ControlClient.connect(socket)
  const wanted = await Promise.all(which.map(async (domain) => (await client.request('find', { domain })).domid))
  const all = await client.request('list', {})
  const lines = wanted.length === 0 ? all : all.filter(({ domid }) => wanted.includes(domid))
  if (long) process.stdout.write(`${JSON.stringify(lines, null, 2)}\n`)
  else if (json)
    process.stdout.write(
      `${JSON.stringify(
        lines.map(({ config: _, ...line }) => line),
        null,
        2,
      )}\n`,
    )
  else process.stdout.write(domainTable(lines))
}

/** As `xl list` prints it. */
export const domainTable = (lines: readonly DomainLine[]): string => {
  const row = (name: string, ...cells: readonly [string, string, string, string, string]) => {
    const [id, memory, vcpus, state, time] = cells
    const columns = [id.padStart(5), memory.padStart(5), vcpus.padStart(5), state.padStart(10), time.padStart(9)]
    return `${name.padEnd(40)} ${columns.join(' ')}\n`
  }
  const rows = lines.map(({ name, domid, memoryMiB, vcpus, state, cpuSeconds }) =>
    row(name, String(domid), String(Math.round(memoryMiB)), String(vcpus), state, cpuSeconds.toFixed(1)),
  )
  return [row('Name', 'ID', 'Mem', 'VCPUs', 'State', 'Time(s)'), ...rows].join('')
}
