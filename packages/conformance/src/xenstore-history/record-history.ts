import { packStringAndRest, packStrings, XenStoreOp } from '@split-driver/xenbus'
import type { SeededRandom } from '../seeded-random.js'
import { type StoreUnderTest, XENSTORE_PORT } from '../xenstore-model/store-under-test.js'
import { XenStoreWireClient } from '../xenstore-wire-client.js'
import type { HistoryUnit } from './history.js'
import { HistoryClient } from './history-client.js'
import { HISTORY_BASE, HistoryProgram } from './history-program.js'
import type { SequentialState } from './sequential-store.js'
import { explainSerially } from './serialisability.js'

/** Domains behind ring pages; two of them have a channel, too, and the control domain has two. */
const RINGS = [1, 2, 3, 4]
const CHANNELS = [1, 2, 0, 0]

/** Requests of each client; a history is small enough for all its orders to be tried. */
const REQUESTS = 6

const INITIAL: SequentialState = new Map([
  ['a', 'first'],
  ['b', 'second'],
])

const prepare = async (store: StoreUnderTest): Promise<void> => {
  const dom0 = new XenStoreWireClient(store.connect(0))
  await dom0.mkdir(HISTORY_BASE)
  await dom0.setPerms(HISTORY_BASE, ['b0'])
  for (const [name, value] of INITIAL)
    await dom0.ask(XenStoreOp.Write, packStringAndRest(`${HISTORY_BASE}/${name}`, value))
  for (const domid of RINGS) {
    store.build(domid)
    await dom0.ask(XenStoreOp.Introduce, packStrings(String(domid), '0', String(XENSTORE_PORT)))
  }
}

/** Lets eight clients work on a fresh store at the same time. @returns what they saw */
const recordHistory = async (store: StoreUnderTest, random: SeededRandom): Promise<HistoryUnit[]> => {
  await prepare(store)
  let time = 0
  const tick = (): number => {
    time += 1
    return time
  }
  const channels = [...RINGS.map((domid) => store.ring(domid)), ...CHANNELS.map((domid) => store.connect(domid))]
  const programs = channels.map((channel, index) => new HistoryProgram(new HistoryClient(channel, tick), index, random))
  return (await Promise.all(programs.map((program) => program.run(REQUESTS)))).flat()
}

/**
 * Eight clients work on a fresh store at the same time; what they saw must be strictly serialisable (rules 47, 48).
 * @returns why it is not, if it is not
 */
export const runStoreHistory = async (store: StoreUnderTest, random: SeededRandom): Promise<string | undefined> =>
  explainSerially(await recordHistory(store, random), INITIAL)
