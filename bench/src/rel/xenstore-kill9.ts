import { KillRounds } from '../xenstore-kill9/kill-rounds.js'
import type { RelOptions, RelOutcome, RelSuite } from './rel-suite.js'

/** Most of a round is a process that starts: two at a time take little longer than one. */
const LANES = 2

const run = async ({ n, seed, progress }: RelOptions): Promise<RelOutcome> => {
  const violations: string[] = []
  let [done, acknowledged] = [0, 0]
  const lane = async (index: number): Promise<void> => {
    using rounds = new KillRounds(seed + index)
    for (let round = index; round < n + LANES; round += LANES) {
      const looked = round < n ? rounds.round() : rounds.end()
      const wrong = await looked.catch((error: Error) => [error.message])
      violations.push(...wrong.map((line) => `round ${round}: ${line}`))
      // What follows would be compared with a ledger that is wrong itself.
      if (wrong.length > 0) break
      if (round < n) progress(++done)
    }
    acknowledged += rounds.acknowledged
  }
  await Promise.all(Array.from({ length: LANES }, (_, index) => lane(index)))
  return { done, violations, detail: { acknowledged } }
}

export const suite: RelSuite = {
  name: 'xenstore-kill9',
  describe:
    'a daemon with a journal is killed under load; the next has all that was acknowledged, and nothing by halves',
  run,
}
