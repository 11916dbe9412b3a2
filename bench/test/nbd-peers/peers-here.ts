import { NotRun } from '@split-driver/debian'
import { describe } from 'vitest'
import { NbdPeer, type NbdService, nbdkitPart } from '../../src/nbd-peers/index.js'

/** A disk in nbdkit's own memory, behind filters if there are any. */
export const memory = (
  bytes: number,
  over: NbdService['over'],
  ...filters: readonly (readonly string[])[]
): NbdService => ({
  program: 'nbdkit',
  over,
  args: (root) => [
    ...filters.map(([name = '']) => `--filter=${nbdkitPart(root, 'filter', name)}`),
    nbdkitPart(root, 'plugin', 'memory'),
    String(bytes),
    ...filters.flatMap(([, ...settings]) => settings),
  ],
})

/** Why this machine has no such server, if so. */
const reason = await NbdPeer.start(memory(512, 'a Unix socket')).then(
  (peer) => peer[Symbol.asyncDispose](),
  (error: unknown) => {
    if (error instanceof NotRun) return error.message
    throw error
  },
)

/** A group of tests over real servers; where those cannot be had, its title says that it was not run, and why. */
export const describeWithNbdPeers = (title: string, tests: () => void): void => {
  if (reason === undefined) describe(title, tests)
  else describe.skip(`${title} (not run: ${reason})`, tests)
}
