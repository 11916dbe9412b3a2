import { XenStoreClient } from '@split-driver/xenbus'
import type { Command, CommanderError } from 'commander'
import { ExitCode } from '../exit-code.js'
import { rm, write } from '../xenstore/change.js'
import { type ChmodOptions, chmod } from '../xenstore/chmod.js'
import { eventCount, levels, type WatchOptions, watch } from '../xenstore/follow.js'
import { exists, list, ls, read } from '../xenstore/look.js'
import { openStore } from '../xenstore/open-store.js'
import { inWords } from '../xenstore/refusal.js'
import type { StoreTool } from '../xenstore/store-tool.js'
import { standardOutput } from '../xenstore/tool-output.js'
import type { CommandHost } from './command-host.js'
import { SaidAlready } from './said-already.js'
import { addStoreOptions, storeChoice } from './store-options.js'
import { XenToolCommand } from './xen-tool-command.js'
import { addXenstoreControl } from './xenstore-control.js'

const HELP = `
Words, options, output and exit codes are those of xenstore-ls, xenstore-read and so on: 1 for whatever went wrong.
Paths are absolute, or begin at /local/domain/<own domid>. Values are shown and taken with \\n, \\t, \\r, \\\\, \\xNN and \\NNN.

Which XenStore: --xenstored, --device, --host or --socket; else what XENSTORED_PATH or XENSTORED_RUNDIR name; else that of
the machine that runs, or of this host.

Examples:
  split-driver xenstore ls -fp /local/domain/1
  split-driver xenstore read /local/domain/1/name
  split-driver xenstore watch -n 3 /local/domain/0/backend
  split-driver xenstore chmod -r /tool/mine n0 r1
  split-driver xenstore rm -t /tool/mine/deep --xenstored /run/xenstored/socket`

type Body<Options> = (tool: StoreTool, operands: string[], options: Options) => Promise<ExitCode>

/** `split-driver xenstore`. */
export const addXenstore = (program: Command, host: CommandHost): void => {
  const xenstore = program
    .command('xenstore')
    .description("look at a XenStore and change it, as Xen's own tools do")
    .exitOverride(failAsTheOriginal)
    .addHelpText('after', HELP)
  const add = (usage: string, description: string): Command => {
    const [name = '', operands = ''] = usage.split(/ (.*)/)
    const command = new XenToolCommand(name).copyInheritedSettings(xenstore)
    xenstore.addCommand(addStoreOptions(command.description(description).arguments(operands)))
    return command.option('-s', "nothing: it meant the socket once, and scripts give it to Xen's tools")
  }
  const run = <Options>(command: Command, body: Body<Options>): void =>
    void command.action(async (...given: unknown[]) => {
      const channel = await openStore(storeChoice(command), (route) => host.openXenstore(route))
      await using store = new XenStoreClient(channel)
      const tool = { store, output: host.output ?? standardOutput() }
      host.finish(await spoken(body(tool, operandsOf(given), command.opts() as Options)))
    })
  addLooks(add, run)
  addChanges(add, run)
  const watching = add('watch <path...>', 'print the path of each change')
    .option('-n, --number <n>', 'end after so many; -1 is never', eventCount)
    .option('-d, --depth <n>', 'levels below the path that are watched: 0 the node alone; all unless given', levels)
    .action(async (paths: string[], options: WatchOptions) => {
      const channel = await openStore(storeChoice(watching), (route) => host.openXenstore(route))
      host.finish(await spoken(watch(channel, host.output ?? standardOutput(), paths, options)))
    })
  addXenstoreControl(xenstore, host)
}

type Add = (usage: string, description: string) => Command
type Run = <Options>(command: Command, body: Body<Options>) => void

const addLooks = (add: Add, run: Run): void => {
  run(
    add('ls [path...]', 'all nodes below a path, with their values; of all, unless one is named')
      .option('-f, --flat', 'whole paths in place of a tree', false)
      .option('-p, --prefix', 'also who may do what', false),
    ls,
  )
  run(add('list <path...>', "a node's children").option('-p, --prefix', 'their whole paths', false), list)
  run(
    add('read <path...>', 'values; several in one transaction')
      .option('-p, --prefix', 'each behind its path', false)
      .option('-R, --raw', 'the bytes as they are', false),
    read,
  )
  run(add('exists <path...>', 'exit code 0 if all are there, else 1'), exists)
}

const addChanges = (add: Add, run: Run): void => {
  run(
    add('write <path> <value> [more...]', 'write values; several pairs in one transaction').option(
      '-R, --raw',
      'the value as it stands, backslashes too',
      false,
    ),
    write,
  )
  run(
    add('rm <path...>', 'remove nodes and all below, in one transaction').option(
      '-t, --tidy',
      'then also what they lay in, where that has neither value nor child now',
      false,
    ),
    rm,
  )
  run<ChmodOptions>(
    add('chmod <path> <permission...>', "the owner, who stands for everybody else's rights, and others: n0 r1")
      .option('-u, --upto', 'all that the node lies in as well', false)
      .option('-r, --recurse', 'all below it as well', false),
    chmod,
  )
}

/** Xen's tools know one exit code for everything. */
const failAsTheOriginal = (error: CommanderError): never => {
  throw error.exitCode === 0 ? error : new SaidAlready(ExitCode.Failed)
}

const operandsOf = (given: unknown[]): string[] =>
  (given.slice(0, -2) as (string | string[] | undefined)[]).flatMap((operand) => operand ?? [])

const spoken = async (outcome: Promise<ExitCode>): Promise<ExitCode> => {
  try {
    return await outcome
  } catch (error) {
    throw inWords(error)
  }
}
