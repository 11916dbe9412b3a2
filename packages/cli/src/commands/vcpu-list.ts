import type { Command } from 'commander'
import { ControlClient } from '../control/control-client.js'
import type { VcpuLine } from '../control/operations.js'
import { ExitCode } from '../exit-code.js'
import type { CommandHost } from './command-host.js'
import { addSocketOption, type SocketOption } from './socket-option.js'

const HELP = `
State: r running, b blocked, p paused. Nothing is pinned here: a domain's code is a thread of the host's.

Examples:
  split-driver vcpu-list
  split-driver vcpu-list mini --json`

/** `split-driver vcpu-list`. */
export const addVcpuList = (program: Command, host: CommandHost): void => {
  const command = program
    .command('vcpu-list')
    .description('list the virtual CPUs of domains')
    .argument('[domain...]', 'only of these, by name or number')
    .option('--json', 'as JSON', false)
  addSocketOption(command)
    .addHelpText('after', HELP)
    .action(async (which: string[], { socket, json }: SocketOption & { readonly json: boolean }) => {
      using client = await ControlClient.connect(socket)
      const wanted = await Promise.all(which.map(async (domain) => (await client.request('find', { domain })).domid))
      const all = await client.request('vcpu-list', {})
      const lines = wanted.length === 0 ? all : all.filter(({ domid }) => wanted.includes(domid))
      process.stdout.write(json ? `${JSON.stringify(lines, null, 2)}\n` : vcpuTable(lines))
      host.finish(ExitCode.Okay)
    })
}

/** As `xl vcpu-list` prints it. */
export const vcpuTable = (lines: readonly VcpuLine[]): string => {
  const row = (name: string, affinity: string, ...[id, vcpu, cpu, state, time]: readonly string[]) =>
    `${name.padEnd(32)} ${[id, vcpu, cpu, state].map((cell = '') => cell.padStart(5)).join(' ')} ${time!.padStart(9)}  ${affinity}\n`
  const rows = lines.map(({ name, domid, vcpu, state, cpuSeconds }) =>
    row(name, 'all / all', String(domid), String(vcpu), '-', state, cpuSeconds.toFixed(1)),
  )
  return [row('Name', 'Affinity (Hard / Soft)', 'ID', 'VCPU', 'CPU', 'State', 'Time(s)'), ...rows].join('')
}
