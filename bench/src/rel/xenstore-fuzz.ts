import { SeededRandom } from '@split-driver/conformance'
import { StrayErrors } from '../sim/stray-errors.js'
import { tryEverySplit } from '../xenstore-fuzz/every-split.js'
import { FuzzWorld } from '../xenstore-fuzz/fuzz-world.js'
import { bytesOf } from '../xenstore-fuzz/fuzzed-request.js'
import { heapBytes } from '../xenstore-fuzz/heap-growth.js'
import { mutatedRequest } from '../xenstore-fuzz/mutate-request.js'
import type { RelOptions, RelOutcome, RelSuite } from './rel-suite.js'

/** Messages between two looks at the whole server, which then has everything to forget. */
const EPISODE = 1000

/** By how much the heap may grow over all messages, bytes. */
const GROWTH_BYTES = 5 * 1024 * 1024

/** Sends mutated messages from any client. @returns what is wrong */
const runEpisode = async (world: FuzzWorld, random: SeededRandom, messages: number): Promise<string | undefined> => {
  for (let i = 0; i < messages; i++) {
    const bytes = bytesOf(mutatedRequest(random), world.nextReqId())
    const split = random.below(4) === 0 ? random.below(bytes.length) : 0
    const fault = await world.send(random.below(world.clients), bytes, split)
    if (fault !== undefined) return `message ${i}: ${fault}`
  }
  return world.renew()
}

const fuzz = async (world: FuzzWorld, { n, seed, progress }: RelOptions): Promise<RelOutcome> => {
  const fault = (await world.renew()) ?? (await tryEverySplit(world))
  if (fault !== undefined) return { done: 0, violations: [fault] }
  const before = heapBytes()
  for (let done = 0; done < n; ) {
    const messages = Math.min(EPISODE, n - done)
    const episodeSeed = (seed + done / EPISODE) >>> 0
    const violation = await runEpisode(world, new SeededRandom(episodeSeed), messages)
    if (violation !== undefined) return { done, violations: [`--seed ${episodeSeed} --n ${messages}: ${violation}`] }
    done += messages
    progress(done)
  }
  const growthBytes = heapBytes() - before
  const violations = growthBytes < GROWTH_BYTES ? [] : [`the heap has grown by ${growthBytes} bytes`]
  return { done: n, violations, detail: { growthBytes } }
}

const shown = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error))

export const suite: RelSuite = {
  name: 'xenstore-fuzz',
  describe:
    'every operation cut and split everywhere, then mutated messages: each time a reply or a closed connection; the heap stays',
  run: async (options) => {
    using stray = new StrayErrors()
    using world = new FuzzWorld()
    const { violations, ...outcome } = await fuzz(world, options)
    return { ...outcome, violations: [...violations, ...stray.errors.map((error) => `not caught: ${shown(error)}`)] }
  },
}
