import { XenbusState } from '@split-driver/xenbus'
import type { Command } from 'commander'
import { ConfigError } from '../config/config-error.js'
import { ControlClient } from '../control/control-client.js'
import type { DiskLine } from '../control/operations.js'
import { ExitCode } from '../exit-code.js'
import { diskConfig } from '../xl-config/disk-config.js'
import { DiskSpecError } from '../xl-config/disk-spec.js'
import type { DiskConfig } from '../xl-config/domain-config.js'
import type { CommandHost } from './command-host.js'
import { addSocketOption, type SocketOption } from './socket-option.js'

const ATTACH_HELP = `
The disk is written as in a configuration, see xl-disk-configuration(5); a relative path begins at the working folder.

Examples:
  split-driver block-attach mini disk.img,,xvdb
  split-driver block-attach mini format=raw,vdev=xvdb,access=ro,target=/srv/disk.img`

const DETACH_HELP = `
The guest has ten seconds to let go of it. With --force it is taken away at once.

Examples:
  split-driver block-detach mini xvdb`

/** `split-driver block-attach`, `block-detach`, `block-list`. */
export const addBlock = (program: Command, host: CommandHost): void => {
  const attach = program
    .command('block-attach')
    .description('give a running domain another disk')
    .argument('<domain>', 'its name or number')
    .argument('<disk...>', 'the disk specification')
  addSocketOption(attach)
    .addHelpText('after', ATTACH_HELP)
    .action(async (domain: string, parts: string[], { socket }: SocketOption) => {
      const disk = specified(parts)
      using client = await ControlClient.connect(socket)
      await client.request('block-attach', { domain, disk })
      host.finish(ExitCode.Okay)
    })
  const detach = program
    .command('block-detach')
    .description('take a disk away from a domain')
    .argument('<domain>', 'its name or number')
    .argument('<device>', "the disk's name, such as xvdb, or its number")
    .option('--force', 'whether the guest lets go of it or not', false)
  addSocketOption(detach)
    .addHelpText('after', DETACH_HELP)
    .action(async (domain: string, device: string, { socket, force }: SocketOption & { readonly force: boolean }) => {
      using client = await ControlClient.connect(socket)
      await client.request('block-detach', { domain, device, force })
      host.finish(ExitCode.Okay)
    })
  addBlockList(program, host)
}

const addBlockList = (program: Command, host: CommandHost): void => {
  const list = program
    .command('block-list')
    .description("list a domain's disks")
    .argument('<domain>', 'its name or number')
    .option('--json', 'as JSON', false)
  addSocketOption(list)
    .addHelpText('after', '\nExamples:\n  split-driver block-list mini')
    .action(async (domain: string, { socket, json }: SocketOption & { readonly json: boolean }) => {
      using client = await ControlClient.connect(socket)
      const disks = await client.request('block-list', { domain })
      process.stdout.write(json ? `${JSON.stringify(disks, null, 2)}\n` : diskTable(disks))
      host.finish(ExitCode.Okay)
    })
}

const specified = (parts: readonly string[]): DiskConfig => {
  try {
    return diskConfig(parts, process.cwd())
  } catch (error) {
    if (!(error instanceof DiskSpecError)) throw error
    throw new ConfigError('block-attach', `the disk ${JSON.stringify(parts.join(' '))} ${error.message}`)
  }
}

/** A line each: number, name, what it may do, both halves' states, and what is behind it. */
export const diskTable = (disks: readonly DiskLine[]): string => {
  const row = (
    ...[number, name, mode, front, back, image]: readonly [string, string, string, string, string, string]
  ) => `${number.padEnd(9)} ${name.padEnd(6)} ${mode.padEnd(4)} ${front.padEnd(13)} ${back.padEnd(13)} ${image}\n`
  const rows = disks.map(({ virtualDevice, vdev, mode, frontendState, backendState, target }) =>
    row(String(virtualDevice), vdev, mode, stateName(frontendState), stateName(backendState), target),
  )
  return [row('Vdev', 'Name', 'Mode', 'Frontend', 'Backend', 'Image'), ...rows].join('')
}

const stateName = (state: number): string =>
  Object.entries(XenbusState).find(([, value]) => value === state)?.[0] ?? String(state)
