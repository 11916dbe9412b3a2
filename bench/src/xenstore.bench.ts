import type { Bench, BenchOptions, BenchRow } from './bench.js'
import { type MeasuredDaemon, type Original, Originals, startOurs } from './xenstore/daemons.js'
import { measureRing } from './xenstore/emulated-ring.js'
import { LoadClient, type Round } from './xenstore/load-client.js'
import { measureWork } from './xenstore/rounds.js'
import { timeByTestXenstore } from './xenstore/test-xenstore.js'
import { worksOf } from './xenstore/work.js'
import { peerPackages, XenTools } from './xenstore-peers/index.js'

const ROUNDS = 12
const ROUND_SECONDS = 0.12

const figures = ({ p50, p99 }: Round): string => `${p50.toPrecision(3)} and ${p99.toPrecision(3)} µs`

/** Ours beside one original. */
const rateRow = (work: string, ours: Round, [peer, daemon]: Original, its: Round | undefined): BenchRow => {
  const row = { work: `${work}, beside ${peer}`, unit: 'k/s', ours: ours.rate / 1000, goal: 1 }
  if (its === undefined)
    return { ...row, peer: null, ratio: null, note: `not run: ${daemon}; p50 and p99 ${figures(ours)}` }
  const note = `p50 and p99 ${figures(ours)}; ${peer} ${figures(its)}`
  return { ...row, peer: its.rate / 1000, ratio: ours.rate / its.rate, note }
}

const overSocket = async (
  ours: MeasuredDaemon,
  originals: Originals,
  client: LoadClient,
  { progress }: BenchOptions,
): Promise<BenchRow[]> => {
  const daemons = [ours, ...originals.there.map(([, daemon]) => daemon)]
  for (const { name, socketPath } of daemons) {
    progress(`filling ${name}`)
    await client.fill(socketPath)
  }
  const rows: BenchRow[] = []
  for (const work of worksOf(ROUND_SECONDS)) {
    progress(work.name)
    const rounds = await measureWork(work, daemons, client, ROUNDS)
    for (const original of originals.all)
      rows.push(rateRow(work.name, rounds.get('ours')!, original, rounds.get(original[0])))
  }
  return rows
}

/** What libxenstore's own program says: times of one request after the other. */
const byTestXenstore = async (ours: MeasuredDaemon, originals: Originals): Promise<BenchRow[]> => {
  const { there } = originals
  if (there.length === 0) return []
  const { root } = await peerPackages()
  const daemons = [ours, ...there.map(([, daemon]) => daemon)]
  const tools = new Map(daemons.map(({ name, socketPath }) => [name, new XenTools(root, socketPath)]))
  const times = await timeByTestXenstore(tools, ROUNDS)
  return there.flatMap(([peer]) =>
    [...times.get('ours')!].map(([test, own]): BenchRow => {
      const its = times.get(peer)!.get(test)!
      return {
        work: `test-xenstore: ${test}, beside ${peer}`,
        unit: 'µs',
        ours: own,
        peer: its,
        ratio: its / own,
        goal: 1,
      }
    }),
  )
}

const overRing = async ({ progress }: BenchOptions): Promise<BenchRow[]> => {
  progress('a ring of the emulator')
  return [...(await measureRing())].map(([name, round]) => ({
    work: `a guest's ring in the emulator: ${name}`,
    unit: 'k/s',
    ours: round.rate / 1000,
    peer: null,
    ratio: null,
    note: `client and server in one thread; p50 and p99 ${figures(round)}`,
  }))
}

export const bench: Bench = {
  name: 'xenstore',
  describe: "our XenStore daemon beside Xen's two, each in a process of its own, asked by the same clients in C",
  run: async (options) => {
    const rows = await overRing(options)
    const client = LoadClient.compile()
    if (!(client instanceof LoadClient)) throw new Error(`the clients in C are needed: ${client.missing}`)
    await using ours = await startOurs()
    options.progress("starting Xen's own")
    await using originals = await Originals.start()
    const socketRows = await overSocket(ours, originals, client, options)
    options.progress('test-xenstore')
    return [...socketRows, ...(await byTestXenstore(ours, originals)), ...rows]
  },
}
