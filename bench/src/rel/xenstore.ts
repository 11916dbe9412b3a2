import {
  chooseOperation,
  clientsOf,
  ReplacedServer,
  SeededRandom,
  ServedStore,
  StoreMachine,
  StoreModelRun,
} from '@split-driver/conformance'
import { readSavedState, XenstoreServer } from '@split-driver/xenstored'
import type { RelSuite } from './rel-suite.js'

/** Each behind its ring page, beside the control domain. */
const DOMAINS = 16

/** Few enough of each that random operations come to them. */
const quotas = { nodes: 6, watches: 4, transactions: 2, 'node-permissions': 2 }

/** Operations on one server, which then is compared with the model as a whole; the next begin with a fresh one. */
const EPISODE = 1000

/** So often, on average, another server takes the place of the one that serves: once in so many operations. */
const REPLACED_EVERY = 50

const replaceable = (machine: StoreMachine) =>
  new ReplacedServer((legacy) => {
    if (legacy === undefined) return new XenstoreServer(machine, { quotas })
    const resume = { state: readSavedState(legacy.saved), channelOf: legacy.channelOf }
    return new XenstoreServer(machine, { resume })
  })

/** @returns how server and model differ, and after how many operations of the episode, if they do */
const runEpisode = async (random: SeededRandom, operations: number): Promise<string | undefined> => {
  const machine = new StoreMachine()
  const replaced = replaceable(machine)
  const run = new StoreModelRun(new ServedStore(machine, replaced), { domains: DOMAINS, quotas })
  let difference = await run.begin()
  for (let i = 0; i < operations && difference === undefined; i++) {
    if (random.below(REPLACED_EVERY) === 0) replaced.replace()
    difference = await run.step(chooseOperation(clientsOf(DOMAINS), DOMAINS, (limit) => random.below(limit)))
  }
  difference ??= await run.compareAll()
  replaced.server[Symbol.dispose]()
  return difference
}

export const suite: RelSuite = {
  name: 'xenstore',
  describe:
    'one random operation of one of 16 domains, and sometimes another server that goes on; all must be as in the model',
  run: async ({ n, seed, progress }) => {
    const violations: string[] = []
    let done = 0
    for (let episode = 0; done < n; episode++) {
      const operations = Math.min(EPISODE, n - done)
      // Each episode has a seed of its own, so that one that failed can be run alone.
      const episodeSeed = (seed + episode) >>> 0
      const difference = await runEpisode(new SeededRandom(episodeSeed), operations)
      if (difference !== undefined) violations.push(`--seed ${episodeSeed} --n ${operations}: ${difference}`)
      done += operations
      progress(done)
    }
    return { done, violations }
  },
}
