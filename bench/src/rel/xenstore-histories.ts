import { runStoreHistory, SeededRandom, ServedStore, StoreMachine } from '@split-driver/conformance'
import { XenstoreServer } from '@split-driver/xenstored'
import type { RelSuite } from './rel-suite.js'

const runHistory = async (seed: number): Promise<string | undefined> => {
  const machine = new StoreMachine()
  using server = new XenstoreServer(machine)
  return await runStoreHistory(new ServedStore(machine, server), new SeededRandom(seed))
}

export const suite: RelSuite = {
  name: 'xenstore-histories',
  describe:
    'eight clients read, write, list and transact at the same time; one order of all of it must explain all replies',
  run: async ({ n, seed, progress }) => {
    const violations: string[] = []
    for (let done = 0; done < n; done++) {
      const historySeed = (seed + done) >>> 0
      const violation = await runHistory(historySeed)
      if (violation !== undefined) violations.push(`--seed ${historySeed} --n 1: ${violation}`)
      progress(done + 1)
    }
    return { done: n, violations }
  },
}
