import { runCrowdRound } from '../xenstore-crowd/crowd-round.js'
import { threadClock } from '../xenstore-crowd/thread-clock.js'
import type { RelSuite } from './rel-suite.js'

/** Of what it has alone, what the honest domain must have left. */
const SHARE = 0.5

/** What the process may take, the server, its clients and Node itself together. */
const MEMORY_BYTES = 512 * 1024 * 1024

const medianOf = (numbers: readonly number[]): number => [...numbers].sort((a, b) => a - b)[numbers.length >> 1]!

export const suite: RelSuite = {
  name: 'xenstore-hostile-crowd',
  describe:
    'writes per second of one domain, alone and among 100 hostile ones: the median of n rounds keeps half, in 512 MiB',
  run: async ({ n, progress }) => {
    const [rounds, violations]: [{ alone: number; among: number }[], string[]] = [[], []]
    let memoryBytes = 0
    for (let done = 0; done < n; done++) {
      const { alone, among } = await runCrowdRound(threadClock)
      rounds.push({ alone: Math.round(alone.perSecond), among: Math.round(among.perSecond) })
      for (const { fault } of [alone, among]) if (fault !== undefined) violations.push(`CONTROL check says: ${fault}`)
      memoryBytes = Math.max(memoryBytes, process.memoryUsage().rss)
      progress(done + 1)
    }
    const share = medianOf(rounds.map(({ alone, among }) => among / alone))
    if (share < SHARE) violations.push(`the honest domain keeps ${share.toFixed(2)} of what it has alone`)
    if (memoryBytes >= MEMORY_BYTES) violations.push(`the process takes ${memoryBytes} bytes`)
    return { done: n, violations, detail: { share, rounds, memoryBytes } }
  },
}
