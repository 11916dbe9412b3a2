import type { Bench, BenchOptions, BenchRow } from './bench.js'
import { microsecondsADelivery } from './evtchn/bound-ports.js'
import { type Latencies, median } from './evtchn/latencies.js'
import { bareRoundTrips, channelRoundTrips } from './evtchn/round-trips.js'
import { storm } from './evtchn/storms.js'

const ROUNDS = 7
const ROUND_TRIPS = 10_000
const STORM_RATE = 1_000_000
const STORM_MILLISECONDS = 2500

const p99 = (rounds: readonly Latencies[]): string => median(rounds.map((round) => round.p99)).toPrecision(3)

/** Rounds by turns, so that whatever else the machine does meets both. */
const roundTrips = async (eventAbi: 'two-level' | 'fifo', { progress }: BenchOptions): Promise<BenchRow> => {
  const ours: Latencies[] = []
  const bare: Latencies[] = []
  for (let round = 0; round < ROUNDS; round++) {
    progress(`round trips, ${eventAbi}, round ${round + 1} of ${ROUNDS}`)
    ours.push(await channelRoundTrips(eventAbi, ROUND_TRIPS))
    bare.push(await bareRoundTrips(ROUND_TRIPS))
  }
  const [own, peer] = [median(ours.map(({ p50 }) => p50)), median(bare.map(({ p50 }) => p50))]
  return {
    work: `round trip between two threads, ${eventAbi}`,
    ours: own,
    peer,
    ratio: peer / own,
    unit: 'µs',
    goal: 0.77, // within 1.3 times
    note: `peer: bare Atomics.wait and notify; medians of ${ROUNDS} rounds; p99 ${p99(ours)} and ${p99(bare)} µs`,
  }
}

const boundPorts = ({ progress }: BenchOptions): BenchRow[] => {
  const counts = [100, 10_000, 100_000]
  const measured = counts.map((): number[] => [])
  for (let round = 0; round < ROUNDS; round++) {
    counts.forEach((ports, i) => {
      progress(`deliveries with ${ports} bound ports, round ${round + 1} of ${ROUNDS}`)
      measured[i]!.push(microsecondsADelivery(ports))
    })
  }
  const [peer, ...others] = measured.map(median)
  return others.map((ours, i) => ({
    work: `delivery with ${counts[i + 1]} FIFO ports bound`,
    ours,
    peer: peer!,
    ratio: peer! / ours,
    unit: 'µs',
    goal: 0.8,
    note: `peer: with ${counts[0]} ports bound`,
  }))
}

const storms = async ({ progress }: BenchOptions): Promise<BenchRow[]> => {
  const rows: BenchRow[] = []
  for (const outcome of ['spurious', 'worked'] as const) {
    progress(`a storm of events that turn out to be ${outcome}`)
    const { rate, delivered, utilization } = await storm(outcome, STORM_RATE, STORM_MILLISECONDS)
    const sent = (rate / 1e6).toPrecision(3)
    rows.push({
      work: `receiver's share of a core in a storm of ${outcome === 'spurious' ? 'events without work' : 'events that each had work'}`,
      ours: utilization * 100,
      peer: 10,
      ratio: 0.1 / utilization,
      unit: '%',
      ...(outcome === 'spurious' ? { goal: 1 } : {}),
      note: `peer: the limit; ${sent} million events a second sent, ${delivered} delivered in ${STORM_MILLISECONDS * 0.8} ms`,
    })
  }
  return rows
}

export const bench: Bench = {
  name: 'evtchn',
  describe: 'event channels of the emulator: round trips beside bare futex words, many bound ports, storms',
  run: async (options) => [
    await roundTrips('two-level', options),
    await roundTrips('fifo', options),
    ...boundPorts(options),
    ...(await storms(options)),
  ],
}
