import { NotRun } from '@split-driver/debian'
import { describe } from 'vitest'
import { startPeer } from '../../src/xenstore-peers/index.js'

/** Why this machine has no original daemon, if so. */
const reason = await startPeer('C xenstored').then(
  (daemon) => daemon[Symbol.asyncDispose](),
  (error: unknown) => {
    if (error instanceof NotRun) return error.message
    throw error
  },
)

/** A group of tests beside Xen's own daemons; where those cannot be had, its title says that it was not run, and why. */
export const describeWithPeers = (title: string, tests: () => void): void => {
  if (reason === undefined) describe(title, tests)
  else describe.skip(`${title} (not run: ${reason})`, tests)
}
