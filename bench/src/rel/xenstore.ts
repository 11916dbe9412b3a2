import {
  chooseOperation,
  clientsOf,
  SeededRandom,
  ServedStore,
  StoreMachine,
  StoreModelRun,
} from '@split-driver/conformance'
import { XenstoreServer } from '@split-driver/xenstored'
import type { RelSuite } from './rel-suite.js'

/** Each behind its ring page, beside the control domain. */
const DOMAINS = 16

/** Few enough of each that random operations come to them. */
const quotas = { nodes: 6, watches: 4, transactions: 2, 'node-permissions': 2 }

/** Operations on one server, which then is compared with the model as a whole; the next begin with a fresh one. */
const EPISODE = 1000

/** @returns how server and model differ, and after how many operations of the episode, if they do */
const runEpisode = async (random: SeededRandom, operations: number): Promise<string | undefined> => {
  const machine = new StoreMachine()
  using server = new XenstoreServer(machine, { quotas })
  const run = new StoreModelRun(new ServedStore(machine, server), { domains: DOMAINS, quotas })
  let difference = await run.begin()
  for (let i = 0; i < operations && difference === undefined; i++) {
    difference = await run.step(chooseOperation(clientsOf(DOMAINS), DOMAINS, (limit) => random.below(limit)))
  }
  return difference ?? (await run.compareAll())
}

export const suite: RelSuite = {
  name: 'xenstore',
  describe: 'one random operation of one of 16 domains; the reply, every watch event and the tree must be the model’s',
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
