import {
  RING_FIRST_INDICES,
  RING_MAX_ORDER,
  RING_SLOT_BYTES,
  type RingShape,
  runRingSchedule,
  SeededRandom,
} from '@split-driver/conformance'
import type { RelOptions, RelOutcome, RelSuite } from './rel-suite.js'

const LONGEST_SCHEDULE = 96

const failureOf = (shape: RingShape, schedule: Uint8Array): string | undefined => {
  try {
    runRingSchedule(shape, schedule)
    return undefined
  } catch (error) {
    return `${(error as Error).message} (${JSON.stringify(shape)}, schedule ${Buffer.from(schedule).toString('hex')})`
  }
}

/** Rules 1 to 8: both ends beside a model that counts without ever wrapping. */
export const suite: RelSuite = {
  name: 'ring',
  describe:
    'one try is a random schedule of both ends of a ring, of any order and from any first index, beside a model',
  run: async ({ n, seed, progress }: RelOptions): Promise<RelOutcome> => {
    const random = new SeededRandom(seed)
    const violations: string[] = []
    let steps = 0
    for (let done = 0; done < n; progress(++done)) {
      const order = random.below(RING_MAX_ORDER + 1)
      const shape = { order, slotBytes: random.pick(RING_SLOT_BYTES), firstIndex: random.pick(RING_FIRST_INDICES) }
      const schedule = random.bytes(1 + random.below(LONGEST_SCHEDULE))
      const failure = failureOf(shape, schedule)
      if (failure !== undefined) violations.push(`schedule ${done}: ${failure}`)
      steps += schedule.length
    }
    return { done: n, violations, detail: { steps } }
  },
}
