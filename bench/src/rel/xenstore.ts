import { FlatMemory, PAGE_BYTES } from '@split-driver/abi'
import {
  chooseOperation,
  SeededRandom,
  StoreModelRun,
  StoreOverChannels,
  type StoreUnderTest,
} from '@split-driver/conformance'
import type { EventChannels } from '@split-driver/evtchn'
import type { GrantMapper, Mapping } from '@split-driver/grant'
import { XenstoreServer } from '@split-driver/xenstored'
import type { RelSuite } from './rel-suite.js'

/** Domains with one connection each. */
const CLIENTS = 4

/** Few enough of each that random operations come to them. */
const limits = { nodes: 6, watches: 4, transactions: 2 }

/** Operations on one server, which then is compared with the model as a whole; the next begin with a fresh one. */
const EPISODE = 250

/** Ring pages that nobody uses, so that domains can be introduced: what they ask comes through channels. */
const silentMapper = {
  map: (remoteDomid, refs, access): Mapping => {
    const memory = FlatMemory.allocate(PAGE_BYTES)
    return { remoteDomid, refs, access, memory, page: () => memory }
  },
  unmap: () => {},
} as Pick<GrantMapper, 'map' | 'unmap'> as GrantMapper

const silentEvents = {
  bindInterdomain: (_domid, remotePort) => remotePort,
  listen: () => {},
  unbind: () => {},
} as Pick<EventChannels, 'bindInterdomain' | 'listen' | 'unbind'> as EventChannels

const freshStore = (): StoreUnderTest =>
  new StoreOverChannels(new XenstoreServer({ mapper: silentMapper, events: silentEvents }, { quotas: limits }))

/** @returns how server and model differ, and after how many operations of the episode, if they do */
const runEpisode = async (random: SeededRandom, operations: number): Promise<string | undefined> => {
  const run = new StoreModelRun(freshStore(), { clients: CLIENTS, limits })
  let difference = await run.begin()
  for (let i = 0; i < operations && difference === undefined; i++) {
    difference = await run.step(chooseOperation(CLIENTS, (limit) => random.below(limit)))
  }
  return difference ?? (await run.compareAll())
}

export const suite: RelSuite = {
  name: 'xenstore',
  describe:
    'one random operation of one of four domains; the reply, every watch event and the tree must be the model’s',
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
