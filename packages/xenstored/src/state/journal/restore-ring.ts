import type { SharedMemory } from '@split-driver/abi'
import { distance, xenstoreDomainInterface, xenstoreRingView } from '@split-driver/ring'
import type { Client } from '../../client/client.js'
import { addWatch } from '../restore-server.js'
import type { FoundRing } from './found-rings.js'

const { at } = xenstoreDomainInterface
const NOTHING = new Uint8Array()

/** Does the page go with what was under way? Only its domain can have made it not to: then it begins with what is there. */
export const isSound = ({ ring }: FoundRing, page: SharedMemory): boolean =>
  ring === undefined ||
  (distance(page.loadOrdered(at.reqProd.word), ring.received) <= xenstoreRingView.writes.bytes &&
    distance(page.loadOrdered(at.rspProd.word), ring.sent) <= ring.output.length)

/**
 * Goes on with a client whose server was killed, in whose ring all is that had been decided. What happened meanwhile and was
 * not told yet, one event for each watch stands for. Transactions that were open are lost: their end is EAGAIN.
 */
export const goOn = (client: Client, { ring, watches }: FoundRing): void => {
  if (ring !== undefined) {
    client.restore({ input: ring.input, partial: NOTHING, whole: NOTHING })
    client.transactions.continueAfter(ring.lastTxId)
    for (const id of ring.transactions) client.transactions.restoreLost(id)
  }
  const restored = watches.map((watch) => addWatch(watch, client))
  for (const watch of restored) client.deliver(watch, watch.path)
}
