import { connectXenStore, inspectHost, type XenStoreRoute } from '@split-driver/privcmd'
import { runCommandLine } from './command-line.js'
import { openHostPlatform } from './host-platform.js'
import { openStoreMachine } from './xenstored/store-machine.js'

const world = {
  openPlatform: openHostPlatform,
  openXenstore: (route: XenStoreRoute) => connectXenStore(route),
  openStoreMachine,
  inspectHost: () => inspectHost(),
}

void runCommandLine(process.argv.slice(2), world).then((code) => process.exit(code))
