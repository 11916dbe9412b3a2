import {
  blockSuite,
  consoleSuite,
  eventChannelSuite,
  grantSuite,
  LoopbackWorld,
  type World,
  xenstoreSuite,
} from '@split-driver/conformance'
import { PrivcmdPlatform } from '@split-driver/privcmd'
import { createStranger } from '../src/dom0/conformance/stranger.js'
import { runSuites } from '../src/dom0/conformance/suite-checks.js'
import type { Scenario } from '../src/scenario.js'

/** How many real milliseconds make one of the suites': everything here takes a hundred times as long as on the metal. */
const SLOWNESS = 10
/** Of the random schedules. */
const SEED = 1

const supportsOf = async (create: () => Promise<World>) => {
  await using world = await create()
  return world.supports
}

export const scenario: Scenario = {
  name: 'conformance',
  summary: 'the suites that every world must pass, on dom0’s device nodes',
  limitSeconds: 900,
  async run(lab) {
    lab.say(`seed ${SEED}`)
    const stranger = await lab.check('a domain that exists and never runs', () => createStranger(lab))
    const world = () =>
      LoopbackWorld.create({
        open: () => PrivcmdPlatform.open(),
        stranger: async () => stranger,
        slowness: SLOWNESS,
      })
    const suites = [eventChannelSuite, grantSuite, xenstoreSuite, blockSuite, consoleSuite]
    const options = { world, supports: await supportsOf(world), seed: SEED }
    const { run, notRun, failed } = await runSuites(lab, suites, options)
    lab.figure('cases run', run, 'cases')
    lab.figure('cases not run', notRun, 'cases')
    if (failed.length > 0) throw new Error(`${failed.length} of ${run} cases failed:\n${failed.join('\n')}`)
  },
}
