import { abiOf } from '@split-driver/blkif'
import { TraceRecorder } from '@split-driver/trace'
import type { Bench, BenchOptions, BenchRow } from './bench.js'
import { BlockLoad, type Traced } from './trace/block-load.js'

/** So few that what else the host does meets all loads of a round, and so many that a round outlasts the clock's grain. */
const READS = 2000
const DEPTH = 8
const ROUNDS = 50
const WARM_UP_ROUNDS = 10

interface Work {
  readonly what: string
  readonly traced: Traced
  readonly goal?: number
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!

/** Steps since the beginning, kept or dropped. */
const stepsOf = (recorder: TraceRecorder): number => recorder.dropped + recorder.trace().steps.length

const noteOf = ({ traced }: Work): string => {
  const recorders = new Set([traced.backend, traced.frontend].filter((recorder) => recorder !== undefined))
  if (recorders.size === 0) return 'nothing is wrapped: the drivers hold the very same platform'
  const steps = [...recorders].reduce((sum, recorder) => sum + stepsOf(recorder), 0)
  return `${(steps / ((ROUNDS + WARM_UP_ROUNDS) * READS)).toFixed(1)} steps a read`
}

/** All by turns, each round begun by another, so that whatever else the host does meets all. @returns their median rates */
const measure = async (loads: readonly BlockLoad[], options: BenchOptions): Promise<number[]> => {
  const rates = loads.map((): number[] => [])
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    options.progress(round < 0 ? 'warming up' : `round ${round + 1} of ${ROUNDS}`)
    for (let turn = 0; turn < loads.length; turn++) {
      const i = (round + WARM_UP_ROUNDS + turn) % loads.length
      const rate = await loads[i]!.round(READS)
      if (round >= 0) rates[i]!.push(rate)
    }
  }
  return rates.map(median)
}

const recorder = (): TraceRecorder => new TraceRecorder({ devices: { vbd: abiOf } })

export const bench: Bench = {
  name: 'trace',
  describe: `block reads of 4 KiB, ${DEPTH} at once, on an emulated machine: traced, beside the same without a trace`,
  run: async (options): Promise<BenchRow[]> => {
    const both = recorder()
    const works: Work[] = [
      { what: 'trace off', traced: {}, goal: 0.9 },
      { what: 'backend traced', traced: { backend: recorder() } },
      { what: 'both ends traced', traced: { backend: both, frontend: both } },
    ]
    const loads: BlockLoad[] = []
    try {
      // The first machine of a process is the slowest for good, whatever runs on it: that must be nobody's.
      await using first = await BlockLoad.open({}, DEPTH)
      await first.round(READS)
      for (const traced of [{}, ...works.map((work) => work.traced)]) loads.push(await BlockLoad.open(traced, DEPTH))
      const [peer, ...rates] = await measure(loads, options)
      return works.map((work, i) => {
        const { what, goal } = work
        const row = { work: what, unit: 'k/s', ours: rates[i]!, peer: peer!, ratio: rates[i]! / peer! }
        return { ...row, note: noteOf(work), ...(goal === undefined ? {} : { goal }) }
      })
    } finally {
      for (const load of loads) await load[Symbol.asyncDispose]()
    }
  },
}
