import { SeededRandom } from '@split-driver/conformance'
import { type RaceOptions, race } from '../events/races.js'
import type { RelOptions, RelOutcome, RelSuite } from './rel-suite.js'

/** Steps of both sides in one machine; threads take a while to start. */
const STEPS_A_MACHINE = 50_000

const PAIRS: readonly RaceOptions['eventAbis'][] = [
  ['two-level', 'two-level'],
  ['fifo', 'fifo'],
  ['fifo', 'two-level'],
]

export const suite: RelSuite = {
  name: 'event-races',
  describe:
    'one try is a step of two domains in parallel threads, on either event ABI: no wake-up is lost, none untimely',
  run: async ({ n, seed, progress }: RelOptions): Promise<RelOutcome> => {
    const violations: string[] = []
    const random = new SeededRandom(seed)
    let done = 0
    for (let machines = 0; done < n; machines++) {
      const steps = Math.min(STEPS_A_MACHINE, n - done)
      const eventAbis = PAIRS[machines % PAIRS.length]!
      const options = { seed: random.u32(), steps: Math.ceil(steps / 2), eventAbis }
      const where = `machine ${machines} (${eventAbis.join(' and ')}, seed ${options.seed})`
      violations.push(...(await race(options)).map((what) => `${where}: ${what}`))
      done += steps
      progress(done)
    }
    return { done, violations }
  },
}
