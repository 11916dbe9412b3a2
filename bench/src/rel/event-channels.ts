import { runEventSchedule, SeededRandom } from '@split-driver/conformance'
import { EmulatedEvents, type EmulatedEventsShape } from '../events/emulated-events.js'
import type { RelOptions, RelOutcome, RelSuite } from './rel-suite.js'

/** Calls of a schedule. */
const STEPS = 32

/** Ports that a domain can have: few, so that they run out and come again; and once more than a group of the selector. */
const SHAPES: readonly EmulatedEventsShape[] = [
  { maxPort: 6, wordBits: [64, 64, 32] },
  { maxPort: 12 },
  { domains: 2, maxPort: 68, wordBits: [64, 32], portsBefore: 60 },
  { domains: 2, vcpus: 1, maxPort: 3 },
  { domains: 4, vcpus: 3, maxPort: 8 },
]

export const suite: RelSuite = {
  name: 'event-channels',
  describe: `one try is ${STEPS} random event-channel calls of several domains, equal to a written model after each`,
  run: async ({ n, seed, progress }: RelOptions): Promise<RelOutcome> => {
    const violations: string[] = []
    const random = new SeededRandom(seed)
    const machines = SHAPES.map((shape) => new EmulatedEvents(shape))
    for (let done = 0; done < n; progress(++done)) {
      const own = n === 1 ? seed : random.u32()
      const which = own % SHAPES.length
      try {
        runEventSchedule(machines[which]!, new SeededRandom(own), STEPS)
      } catch (error) {
        violations.push(`schedule ${done}, --n 1 --seed ${own}: ${(error as Error).message}`)
        machines[which] = new EmulatedEvents(SHAPES[which])
      }
      machines[which]!.reset()
    }
    return { done: n, violations, detail: { steps: n * STEPS } }
  },
}
