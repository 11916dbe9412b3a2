import type { Bench, BenchOptions, BenchRow } from './bench.js'
import { type MeasuredDaemon, type Original, Originals, startOurs } from './xenstore/daemons.js'
import { measureRing } from './xenstore/emulated-ring.js'
import { introduceGuests, openToGuests, ringOf } from './xenstore/guests.js'
import { LoadClient, type Place, type Round } from './xenstore/load-client.js'
import { measureWork } from './xenstore/rounds.js'
import { timeByTestXenstore } from './xenstore/test-xenstore.js'
import { fanOuts, loads, RING_WATCHERS, SOCKET_WATCHERS, TREES, type Work } from './xenstore/work.js'
import { peerPackages, XenTools } from './xenstore-peers/index.js'

const ROUNDS = 12
const ROUND_SECONDS = 0.12

/** Of the guest that asks; those that watch follow. */
const ASKER = 1

const figures = ({ p50, p99 }: Round): string => `${p50.toPrecision(3)} and ${p99.toPrecision(3)} µs`

/** Ours beside one original. */
const rateRow = (work: string, ours: Round, [peer, daemon]: Original, its: Round | undefined): BenchRow => {
  const row = { work: `${work}, beside ${peer}`, unit: 'k/s', ours: ours.rate / 1000, goal: 1 }
  if (its === undefined)
    return { ...row, peer: null, ratio: null, note: `not run: ${daemon}; p50 and p99 ${figures(ours)}` }
  const note = `p50 and p99 ${figures(ours)}; ${peer} ${figures(its)}`
  return { ...row, peer: its.rate / 1000, ratio: ours.rate / its.rate, note }
}

interface Measuring extends BenchOptions {
  readonly originals: Originals
  readonly client: LoadClient
}

/** @param where it is done, as works' names begin */
const measureAll = async (
  where: string,
  works: readonly Work[],
  places: ReadonlyMap<MeasuredDaemon['name'], Place>,
  { originals, client, progress }: Measuring,
): Promise<BenchRow[]> => {
  const rows: BenchRow[] = []
  for (const work of works) {
    const name = `${where}${work.name}`
    progress(name)
    const rounds = await measureWork(work, places, client, ROUNDS)
    for (const original of originals.all)
      rows.push(rateRow(name, rounds.get('ours')!, original, rounds.get(original[0])))
  }
  return rows
}

const overSocket = async (daemons: readonly MeasuredDaemon[], measuring: Measuring): Promise<BenchRow[]> => {
  const places = new Map(daemons.map(({ name, socketPath }) => [name, { path: socketPath }]))
  const works = [...loads(TREES, ROUND_SECONDS), ...fanOuts(SOCKET_WATCHERS, ROUND_SECONDS)]
  return measureAll('', works, places, measuring)
}

const hasGuests = (daemon: MeasuredDaemon): daemon is Required<MeasuredDaemon> => daemon.guests !== undefined

/** Where no original runs, nothing stands for Xen below ours either. */
const overRings = async (daemons: readonly MeasuredDaemon[], measuring: Measuring): Promise<BenchRow[]> => {
  if (!daemons.every(hasGuests)) return []
  const introduce = async (first: number, count: number): Promise<void> => {
    for (const daemon of daemons) await introduceGuests(daemon, { first, count })
  }
  await introduce(ASKER, 1)
  const places = new Map(daemons.map((daemon) => [daemon.name, ringOf(daemon, ASKER)]))
  const rows = await measureAll('over a ring: ', loads(TREES, ROUND_SECONDS), places, measuring)
  // Guests that only watch would be a load of the works before.
  await introduce(ASKER + 1, RING_WATCHERS)
  const works = fanOuts(RING_WATCHERS, ROUND_SECONDS)
  return [...rows, ...(await measureAll('over rings: ', works, places, measuring))]
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

const overEmulatedRing = async ({ progress }: BenchOptions): Promise<BenchRow[]> => {
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
    const { progress } = options
    const emulatedRows = await overEmulatedRing(options)
    const client = LoadClient.compile()
    if (!(client instanceof LoadClient)) throw new Error(`the clients in C are needed: ${client.missing}`)
    await using ours = await startOurs()
    progress("starting Xen's own")
    await using originals = await Originals.start()
    const daemons = [ours, ...originals.there.map(([, daemon]) => daemon)]
    for (const daemon of daemons) {
      progress(`filling ${daemon.name}`)
      await openToGuests(daemon)
      await client.fill({ path: daemon.socketPath }, TREES)
    }
    const measuring = { originals, client, progress }
    const socketRows = await overSocket(daemons, measuring)
    const ringRows = await overRings(daemons, measuring)
    progress('test-xenstore')
    return [...socketRows, ...ringRows, ...(await byTestXenstore(ours, originals)), ...emulatedRows]
  },
}
