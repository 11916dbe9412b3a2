import {
  blockSuite,
  consoleSuite,
  eventChannelSuite,
  grantSuite,
  LoopbackWorld,
  SlowClock,
  xenstoreSuite,
} from '@split-driver/conformance'
import type { Capabilities } from '@split-driver/platform'
import { PrivcmdPlatform } from '@split-driver/privcmd'
import { GuestsWorld } from '../src/dom0/conformance/guests-world.js'
import { readPagesOfTheDead } from '../src/dom0/conformance/pages-of-the-dead.js'
import { RelayedGuests } from '../src/dom0/conformance/relayed-guests.js'
import { createStranger } from '../src/dom0/conformance/stranger.js'
import { leavingNothing, runSuites, type SuiteResult } from '../src/dom0/conformance/suite-checks.js'
import type { Lab, Scenario } from '../src/scenario.js'

/** How many real milliseconds make one of the suites': everything here takes a hundred times as long as on the metal. */
const SLOWNESS = 10
/** Of the random schedules. */
const SEED = 1

/** The case that needs a guest's pages and its death, but nothing of its code. */
const OF_THE_DEAD = 'grants: pages of a domain that died can be read until they are unmapped'

/** Every suite, on dom0 looped back. */
const runLoopback = async (lab: Lab, supports: Capabilities): Promise<SuiteResult> => {
  const stranger = await lab.check('a domain that exists and never runs', () => createStranger(lab))
  return runSuites(lab, {
    suites: [eventChannelSuite, grantSuite, xenstoreSuite, blockSuite, consoleSuite],
    world: () =>
      LoopbackWorld.create({
        open: () => PrivcmdPlatform.open(),
        stranger: async () => stranger,
        slowness: SLOWNESS,
      }),
    supports: { ...supports, separateDomains: false },
    seed: SEED,
    around: leavingNothing,
  })
}

/** What was not run there of XenStore's suite, with Linux guests. */
const runWithGuests = async (lab: Lab, supports: Capabilities, before: SuiteResult): Promise<SuiteResult> => {
  const platform = await PrivcmdPlatform.open()
  lab.atEnd(() => platform[Symbol.asyncDispose]())
  const guests = new RelayedGuests({ lab, xenstore: platform.xenstore }, platform)
  const result = await runSuites(lab, {
    suites: [xenstoreSuite],
    only: (name) => before.notRun.has(name),
    world: async () => {
      const own = await PrivcmdPlatform.open()
      return new GuestsWorld({ platform: own, guests, clock: new SlowClock(own.clock, SLOWNESS) })
    },
    supports: { ...supports, separateDomains: true },
    seed: SEED,
  })
  const check = async () => readPagesOfTheDead(platform, await guests.take())
  const failed = await lab.check(OF_THE_DEAD, check).then(
    () => [],
    (error: Error) => [`${OF_THE_DEAD}: ${error.message}`],
  )
  await guests.destroyAll()
  lab.figure('guests that lent their XenStore', guests.booted, '')
  return { ...result, run: [...result.run, OF_THE_DEAD], failed: [...result.failed, ...failed] }
}

const supportsOfHost = async (): Promise<Capabilities> => {
  await using platform = await PrivcmdPlatform.open()
  return platform.supports
}

export const scenario: Scenario = {
  name: 'conformance',
  summary: 'the suites that every world must pass, on dom0’s device nodes, looped back; XenStore’s also with guests',
  limitSeconds: 900,
  async run(lab) {
    lab.say(`seed ${SEED}`)
    const supports = await supportsOfHost()
    const loopback = await runLoopback(lab, supports)
    const withGuests = await runWithGuests(lab, supports, loopback)
    const run = [...loopback.run, ...withGuests.run]
    const notRun = [...loopback.notRun].filter(([name]) => !withGuests.run.includes(name))
    for (const [name, reason] of notRun) lab.notRun(name, reason)
    lab.figure('cases run', run.length, 'cases')
    lab.figure('cases not run', notRun.length, 'cases')
    const failed = [...loopback.failed, ...withGuests.failed]
    if (failed.length > 0) throw new Error(`${failed.length} of ${run.length} cases failed:\n${failed.join('\n')}`)
  },
}
