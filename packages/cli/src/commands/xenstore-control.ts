import { HostClock } from '@split-driver/privcmd'
import { XenStoreClient } from '@split-driver/xenbus'
import type { Command, CommanderError } from 'commander'
import { ExitCode } from '../exit-code.js'
import { control } from '../xenstore/control.js'
import { liveUpdate } from '../xenstore/live-update.js'
import { openStore } from '../xenstore/open-store.js'
import { standardOutput } from '../xenstore/tool-output.js'
import type { CommandHost } from './command-host.js'
import { SaidAlready } from './said-already.js'
import { addStoreOptions, storeChoice } from './store-options.js'

const HELP = `
Commands are the daemon's own; help lists them. What follows a command goes to the daemon as it is.
live-update [-c COMMAND-LINE] [-t SECONDS] [-F] PROGRAM puts another program, such as a newer version, in the place of the
daemon that runs: connections, watches and domains stay. -t says how long open transactions are waited for, 60 seconds unless
given; -F breaks them off then.
Exit codes are those of xenstore-control: 1 no XenStore, 2 the words make no sense, 3 the daemon refused.

Examples:
  split-driver xenstore control help
  split-driver xenstore control memreport /tmp/memory
  split-driver xenstore control quota set nodes 2000
  split-driver xenstore control live-update -t 10 -F /usr/sbin/xenstored`

const SECOND_MS = 1000

/** `split-driver xenstore control`. */
export const addXenstoreControl = (xenstore: Command, host: CommandHost): void => {
  const command = addStoreOptions(xenstore.command('control'))
    .description('tell the XenStore daemon itself what to do')
    .argument('<command>', 'what to do')
    .argument('[word...]', 'what the command needs')
    .allowUnknownOption()
    .exitOverride(failAsTheOriginal)
    .addHelpText('after', HELP)
    .action(async (verb: string, words: string[]) => {
      const channel = await openStore(storeChoice(command), (route) => host.openXenstore(route))
      await using store = new XenStoreClient(channel)
      const tool = { store, output: host.output ?? standardOutput(), pause }
      host.finish(verb === 'live-update' ? await liveUpdate(tool, words) : await control(tool, verb, words))
    })
}

const pause = (): Promise<void> => new Promise((resolve) => void new HostClock().setTimer(SECOND_MS, resolve))

const failAsTheOriginal = (error: CommanderError): never => {
  throw error.exitCode === 0 ? error : new SaidAlready(ExitCode.Usage)
}
