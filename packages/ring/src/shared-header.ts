import { type SharedMemory, struct, u32 } from '@split-driver/abi'
import { HEADER_WORDS, mustNotify } from './indices.js'

/**
 * What precedes the slots. `pvt` and padding fill it up to 64 bytes.
 * @see xen/include/public/io/ring.h DEFINE_RING_TYPES struct __name##_sring
 */
export const sringHeader = struct('sring', HEADER_WORDS * 4, {
  reqProd: u32(0),
  reqEvent: u32(4),
  rspProd: u32(8),
  rspEvent: u32(12),
})

export const REQ_PROD = sringHeader.at.reqProd.word
export const REQ_EVENT = sringHeader.at.reqEvent.word
export const RSP_PROD = sringHeader.at.rspProd.word
export const RSP_EVENT = sringHeader.at.rspEvent.word

/** In place of a count: the peer's producer index is impossible (rule 7), and the ring is broken for good. */
export const RING_BROKEN = -1

/** Producers 0, both events 1, the rest of the header 0; slots keep what they hold. @see ring.h SHARED_RING_INIT */
export const initialiseHeader = (memory: SharedMemory): void => {
  const header = sringHeader.create({ reqEvent: 1, rspEvent: 1 })
  memory.copyIn(0, header, 0, HEADER_WORDS)
}

/**
 * Publishes a producer index, then looks whether the consumer asked to be woken by it (rule 4). Both accesses are
 * sequentially consistent, which is all three of ring.h's barriers: slots before the index, the index before the event.
 * @param oldProd what was published before, from private memory: the peer could have changed the page's
 * @returns whether the consumer must be notified
 */
export const publishAndCheckNotify = (
  memory: SharedMemory,
  prodWord: number,
  newProd: number,
  eventWord: number,
  oldProd: number,
): boolean => {
  memory.storeOrdered(prodWord, newProd)
  return mustNotify(newProd, memory.loadOrdered(eventWord), oldProd)
}
