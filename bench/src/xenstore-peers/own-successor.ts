import { XenError } from '@split-driver/abi'
import { runCommandLine } from '@split-driver/cli'
import { openShimMachine } from './shim-machine.js'

const refuse = async (): Promise<never> => {
  throw new XenError('ENODEV', 'there is nothing but what an original XenStore daemon has left')
}

// `split-driver`, to be started by a live update in the place of an original daemon under the shim.
const world = {
  openPlatform: refuse,
  openXenstore: refuse,
  openStoreMachine: openShimMachine,
  inspectHost: refuse,
}
process.exit(await runCommandLine(process.argv.slice(2), world))
