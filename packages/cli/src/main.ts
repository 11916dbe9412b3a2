import { connectXenStore, inspectHost } from '@split-driver/privcmd'
import { runCommandLine } from './command-line.js'
import { openHostPlatform } from './host-platform.js'

const world = {
  openPlatform: openHostPlatform,
  openXenstore: () => connectXenStore(),
  inspectHost: () => inspectHost(),
}

void runCommandLine(process.argv.slice(2), world).then((code) => process.exit(code))
