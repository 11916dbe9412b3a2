import type { Bench, BenchOptions, BenchRow } from './bench.js'
import { type CPeer, compilePeer } from './ring/c-peer.js'
import type { Load } from './ring/load.js'
import { BackendThread, oneThreadRound } from './ring/own-rounds.js'

/** Of blkif's requests in a page. Two ends that each take the whole of it work by turns; with half of it, at once. */
const RING_SLOTS = 32
const ROUNDS = 15
const WARM_UP_ROUNDS = 3
/** On a busy machine threads that poll wait long for each other: after this many seconds, a third of the rounds will do. */
const PATIENCE_SECONDS = 20

interface Work {
  readonly threads: 'one' | 'two'
  readonly what: string
  readonly load: Load
  readonly goal: number
  readonly own: (load: Load) => number | Promise<number>
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!

const spread = (rates: readonly number[]): string =>
  `${Math.min(...rates).toPrecision(3)} to ${Math.max(...rates).toPrecision(3)}`

/** Millions a second. */
const rate = (roundTrips: number, seconds: number): number => roundTrips / seconds / 1e6

const peerRate = (peer: CPeer, { threads, load }: Work): number => {
  const { seconds, wrong } = peer(threads, load)
  if (wrong > 0) throw new Error(`the C peer got ${wrong} wrong responses`)
  return rate(load.roundTrips, seconds)
}

/** Rounds by turns, ours and the peer's, so that whatever else the machine does meets both. */
const measure = async (work: Work, peer: ReturnType<typeof compilePeer>, options: BenchOptions): Promise<BenchRow> => {
  const ours: number[] = []
  const peers: number[] = []
  const start = performance.now()
  const isLate = (): boolean => performance.now() - start > PATIENCE_SECONDS * 1000 && ours.length >= ROUNDS / 3
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS && !isLate(); round++) {
    options.progress(`${work.what}, ${round < 0 ? 'warming up' : `round ${round + 1} of ${ROUNDS}`}`)
    const own = rate(work.load.roundTrips, await work.own(work.load))
    if (round < 0) continue
    ours.push(own)
    if (typeof peer === 'function') peers.push(peerRate(peer, work))
  }
  const row = { work: work.what, unit: 'M/s', ours: median(ours), goal: work.goal }
  if (typeof peer !== 'function')
    return { ...row, peer: null, ratio: null, note: `C not run: ${peer.missing}; ours ${spread(ours)}` }
  const note = `batches of ${work.load.batch}; medians of ${ours.length} rounds; ours ${spread(ours)}, C ${spread(peers)}`
  return { ...row, peer: median(peers), ratio: row.ours / median(peers), note }
}

export const bench: Bench = {
  name: 'ring',
  describe: "blkif requests and responses over one page, both ends polling, beside Xen's own ring.h macros in C",
  run: async (options) => {
    const peer = compilePeer()
    await using thread = new BackendThread()
    const works: Work[] = [
      {
        threads: 'one',
        what: 'one thread',
        load: { roundTrips: 4e6, batch: RING_SLOTS },
        goal: 0.4,
        own: oneThreadRound,
      },
      {
        threads: 'two',
        what: 'two threads',
        load: { roundTrips: 1e6, batch: RING_SLOTS / 2 },
        goal: 0.9,
        own: (load) => thread.round(load),
      },
    ]
    const rows: BenchRow[] = []
    for (const work of works) rows.push(await measure(work, peer, options))
    return rows
  },
}
