import type { XenStoreClient } from '@split-driver/xenbus'
import type { Command } from 'commander'
import type { ExitCode } from '../exit-code.js'
import { openStore } from '../xenstore/open-store.js'
import * as act from '../xenstore/store-actions.js'
import type { CommandHost } from './command-host.js'
import { addSocketOption, type SocketOption } from './socket-option.js'

interface StoreOptions extends SocketOption {
  readonly host: boolean
}

const HELP = `
Paths are absolute, or begin at /local/domain/0. Values are printed with what is no printable ASCII as \\n, \\t or \\xNN.
XenStore is the machine's that runs at --socket. Where none runs there, or with --host, it is the real one of this host.

Examples:
  split-driver xenstore ls /local/domain/1
  split-driver xenstore read /local/domain/1/name
  split-driver xenstore watch --count 3 /local/domain/0/backend
  split-driver xenstore chmod /tool/mine n0 r1`

type Body<Options> = (store: XenStoreClient, operands: string[], options: Options) => Promise<ExitCode>

/** `split-driver xenstore`. */
export const addXenstore = (program: Command, host: CommandHost): void => {
  const xenstore = program
    .command('xenstore')
    .description("look at a machine's XenStore, or a real host's, and change it")
    .addHelpText('after', HELP)
  const add = <Options>(usage: string, description: string, body: Body<Options>): Command => {
    const [name = '', operands = ''] = usage.split(/ (.*)/)
    const command = xenstore.command(name).description(description).arguments(operands)
    return addSocketOption(command)
      .option('--host', 'the XenStore of this host', false)
      .action(async (...given: unknown[]) => {
        const options = command.opts<StoreOptions & Options>()
        const named = command.getOptionValueSource('socket') !== 'default'
        await using store = await openStore({ ...options, named }, () => host.openXenstore())
        const [first, ...rest] = given.slice(0, -2) as (string | string[] | undefined)[]
        host.finish(await body(store, [first ?? [], ...rest.map((operand) => operand ?? [])].flat(), options))
      })
  }
  add('ls [path]', 'all nodes below a path, with their values', act.ls)
    .option('-f, --full', 'whole paths in place of a tree', false)
    .option('-p, --permissions', 'also who may do what', false)
  add('list <path...>', "a node's children", act.list)
  add('read <path...>', 'values', act.read).option('-r, --raw', 'the bytes as they are', false)
  add('write <path> <value> [more...]', 'write values; several pairs in one transaction', act.write)
  add('rm <path...>', 'remove nodes and all below, in one transaction', act.rm)
  add('exists <path...>', 'exit code 0 if all are there, else 1', act.exists)
  add('chmod <path> <permission...>', 'the owner and what others may do: n0 r1', act.chmod).option(
    '-r, --recursive',
    'all below as well',
    false,
  )
  add('watch <path...>', 'print each path that changes', act.watch).option(
    '-n, --count <n>',
    'end after so many lines',
    act.lineCount,
  )
}
