import { EmulatedHost } from '@split-driver/emulator'
import type { XenStoreClient } from '@split-driver/xenbus'
import { XenstoreServer } from '@split-driver/xenstored'
import { latenciesOf } from '../evtchn/latencies.js'
import type { Round } from './load-client.js'
import { DEPTHS } from './work.js'

const WARM_UP = 2000
const MEASURED = 20_000

type Request = (store: XenStoreClient, lane: number) => Promise<unknown>

const VALUE = 'a value of some thirty-two bytes'

const REQUESTS: Readonly<Record<string, Request>> = {
  read: (store, lane) => store.read(`data/${lane}`),
  write: (store, lane) => store.write(`data/${lane}`, VALUE),
  directory: (store) => store.directory('data'),
  transaction: (store, lane) =>
    store.transaction(async (transaction) => {
      await transaction.read(`data/${lane}`)
      await transaction.write(`data/${lane}`, VALUE)
    }),
}

/** A guest of an emulated machine by its ring page; client and server are both ours, and share one thread. */
export const measureRing = async (): Promise<Map<string, Round>> => {
  // A guest may have 10 transactions, and here has as many as it has requests under way.
  const xenstored = (dom0: ConstructorParameters<typeof XenstoreServer>[0]) =>
    new XenstoreServer(dom0, { quotas: { transactions: 0 } })
  await using host = await EmulatedHost.boot({ memoryMiB: 32, xenstored })
  const { xenstore } = await host.createGuest({ name: 'asker' })
  for (let lane = 0; lane < 16; lane++) await xenstore.write(`data/${lane}`, VALUE)
  const rounds = new Map<string, Round>()
  for (const [name, request] of Object.entries(REQUESTS)) {
    for (const depth of DEPTHS) {
      await repeat(xenstore as XenStoreClient, request, depth, WARM_UP)
      rounds.set(`${name} ×${depth}`, await repeat(xenstore as XenStoreClient, request, depth, MEASURED))
    }
  }
  return rounds
}

const repeat = async (store: XenStoreClient, request: Request, depth: number, count: number): Promise<Round> => {
  const times = new Float64Array(count)
  let next = 0
  const work = async (lane: number): Promise<void> => {
    while (next < count) {
      const index = next++
      const start = performance.now()
      await request(store, lane)
      times[index] = performance.now() - start
    }
  }
  const start = performance.now()
  await Promise.all(Array.from({ length: depth }, (_, lane) => work(lane)))
  const seconds = (performance.now() - start) / 1000
  return { rate: count / seconds, ...latenciesOf(times) }
}
