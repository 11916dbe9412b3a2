import type { FlatMemory, FrameNumber, Port } from '@split-driver/abi'
import { headerOf, settle } from '@split-driver/conformance'
import { ByteRing, xenstoreDomainInterface, xenstoreRingView } from '@split-driver/ring'
import {
  concatBytes,
  encodeMessage,
  packStringAndRest,
  packStrings,
  XenStoreOp,
  XenStoreRingError,
} from '@split-driver/xenbus'
import { describe, expect, test } from 'vitest'
import { DOM, StoreWorld } from './support/store-world.js'

const { at } = xenstoreDomainInterface

const world = async () => {
  const store = new StoreWorld()
  const dom0 = store.connect()
  await dom0.mkdir('/local/domain/5')
  await dom0.setPerms('/local/domain/5', ['n5'])
  return { store, dom0, page: store.platform.addDomain(DOM(5)) }
}

const introduce = (store: StoreWorld) => store.server.introduce(DOM(5), 0 as FrameNumber, 1 as Port)

describe('rule 54: the ring page', () => {
  test('indices need not start at 0 and pass 2³² in the middle of a message', async () => {
    const { store, page } = await world()
    for (const index of [at.reqCons, at.reqProd]) page.store(index.word, -7)
    for (const index of [at.rspCons, at.rspProd]) page.store(index.word, 0x7ffffffb)
    const guest = await store.introduce(5)
    for (let i = 0; i < 200; i++) expect(await guest.write('x', `value ${i}`)).toBe('OK')
    expect(await guest.read('x')).toBe('value 199')
  })

  test('what was asked before the introduction is answered after it', async () => {
    const { store } = await world()
    const guest = store.ringClient(5)
    const reply = guest.write('early', 'x')
    introduce(store)
    expect(await reply).toBe('OK')
  })

  test('messages larger than the ring pass in both directions, with notifications for what was consumed', async () => {
    const { store } = await world()
    const guest = await store.introduce(5)
    const value = 'v'.repeat(2000)
    expect(await guest.write('big', value)).toBe('OK')
    expect(await guest.read('big')).toBe(value)
  })

  test('the page says that we reconnect, tell errors and know depths, and a domain that waits for us is told that we are there', async () => {
    const { store, page } = await world()
    page.store(at.connection.word, 1)
    let notified = 0
    store.platform.onNotify.set(DOM(5), () => notified++)
    introduce(store)
    await settle()
    expect(page.load(at.serverFeatures.word)).toBe(7)
    expect(page.load(at.connection.word)).toBe(0)
    expect(notified).toBe(1)
  })

  test('every event is answered exactly once, and none is left unanswered', async () => {
    const { store } = await world()
    const guest = await store.introduce(5)
    for (let i = 0; i < 50; i++) await guest.write('x', 'y')
    await settle()
    expect(store.platform.deliveries).toBeGreaterThan(1)
    expect(store.platform.eois).toBe(store.platform.deliveries)
  })

  test.each([1025, 2 ** 31, 2 ** 32 - 1])('prod − cons = %i: error 2, this connection only', async (queued) => {
    const { store, dom0, page } = await world()
    const guest = await store.introduce(5)
    await guest.watch('x', 't')
    await guest.write('x', 'kept')
    await guest.start()
    const broken: unknown[] = []
    store.server.on('broken', (domid, error) => broken.push([domid, error]))
    page.store(at.reqProd.word, page.load(at.reqCons.word) + queued)
    store.platform.raise(DOM(5))
    await settle()
    expect(page.load(at.error.word)).toBe(XenStoreRingError.RingIndex)
    expect(broken).toEqual([[5, XenStoreRingError.RingIndex]])
    expect(await dom0.read('/local/domain/5/x')).toBe('kept')
    expect(await dom0.write('/local/domain/5/x', 'changed')).toBe('OK')
    expect(store.platform.eois).toBe(store.platform.deliveries)
  })

  test('an index of the other direction that runs away is seen as well', async () => {
    const { store, page } = await world()
    await store.introduce(5)
    page.store(at.rspCons.word, page.load(at.rspProd.word) + 1)
    store.platform.raise(DOM(5))
    await settle()
    expect(page.load(at.error.word)).toBe(XenStoreRingError.RingIndex)
  })

  test('rule 38: a body of 4097 bytes: error 3; INTRODUCE heals it', async () => {
    const { store, page } = await world()
    const guest = await store.introduce(5)
    guest.postRaw(headerOf(XenStoreOp.Write, 4097))
    await settle()
    expect(page.load(at.error.word)).toBe(XenStoreRingError.Protocol)
    introduce(store)
    await settle()
    expect(page.load(at.error.word)).toBe(XenStoreRingError.None)
    expect(await store.ringClient(5).write('again', 'x')).toBe('OK')
  })

  test('events wake a domain that asked for nothing', async () => {
    const { store, dom0 } = await world()
    const guest = await store.introduce(5)
    await guest.watch('x', 't')
    await guest.events()
    await dom0.write('/local/domain/5/x', '1')
    expect(await guest.events()).toEqual(['x t'])
  })
})

describe('S4: a peer that does not read', () => {
  test('S4: is not read from, and goes on where it was once it reads', async () => {
    const { store, dom0, page } = await world()
    await dom0.write('/local/domain/5/big', 'v'.repeat(2000))
    const guest = await store.introduce(5)
    guest.stall()
    // Each request is 20 bytes, each reply 2016.
    for (let i = 0; i < 200; i++) guest.post(XenStoreOp.Read, packStrings('big'))
    await settle(2000)
    const consumed = page.load(at.reqCons.word)
    await settle(2000)
    expect(page.load(at.reqCons.word)).toBe(consumed)
    expect(consumed / 20).toBeLessThanOrEqual(22)
    expect(store.platform.eois).toBe(store.platform.deliveries)
    guest.resume()
    await settle(20_000)
    expect(guest.messages).toHaveLength(200)
  })

  test('S4: its other end, dom0, is served all the while', async () => {
    const { store, dom0 } = await world()
    const guest = await store.introduce(5)
    await guest.watch('', 't')
    await guest.watch('x', 't')
    guest.stall()
    for (let i = 0; i < 500; i++) expect(await dom0.write(`/local/domain/5/x/${i}`, 'x')).toBe('OK')
  })
})

describe('S6: fairness', () => {
  test('S6: one domain’s flood leaves others their turns', async () => {
    const { store, dom0 } = await world()
    const flooder = await store.introduce(5)
    const honest = await store.introduce(6)
    await dom0.mkdir('/local/domain/6')
    await dom0.setPerms('/local/domain/6', ['n6'])
    for (let i = 0; i < 5000; i++) flooder.post(XenStoreOp.Write, packStringAndRest('x', String(i)))
    let answered = 0
    for (let i = 0; i < 50; i++) {
      expect(await honest.write('y', String(i))).toBe('OK')
      answered = flooder.messages.length
    }
    expect(answered).toBeLessThan(50 * 40)
    await settle(30_000)
    expect(flooder.messages).toHaveLength(5000)
  })

  test('E1: however fast the ring is filled again, the events of that are not delivered each', async () => {
    const { store } = await world()
    const guest = await store.introduce(5)
    const before = store.platform.deliveries
    // Refills the ring at every notification, and raises an event each time.
    for (let i = 0; i < 3000; i++) guest.post(XenStoreOp.Read, packStrings('x'))
    await settle(20_000)
    expect(guest.messages).toHaveLength(3000)
    expect(store.platform.deliveries - before).toBeLessThan(10)
  })
})

/** As Linux, which announces what it writes only if all that was there before had been taken. */
const askAsLinux = (store: StoreWorld, page: FlatMemory, requests: Uint8Array): { readonly replied: () => number } => {
  const ring = new ByteRing(xenstoreRingView, page)
  const scratch = new Uint8Array(1024)
  let [asked, replied] = [0, 0]
  const exchange = (): void => {
    replied += ring.read(scratch)
    const isTaken = page.load(at.reqCons.word) === page.load(at.reqProd.word)
    asked += ring.write(requests.subarray(asked))
    if (isTaken) store.platform.raise(DOM(5))
  }
  store.platform.onNotify.set(DOM(5), exchange)
  exchange()
  return { replied: () => replied }
}

test('what Linux adds before we have taken all, and does not announce, is not left lying', async () => {
  const { store, page } = await world()
  introduce(store)
  const request = encodeMessage({ type: XenStoreOp.Read, reqId: 1, txId: 0, body: packStrings('x') })
  const { replied } = askAsLinux(store, page, concatBytes(...Array.from({ length: 500 }, () => request)))
  await settle(20_000)
  const reply = encodeMessage({ type: XenStoreOp.Error, reqId: 1, txId: 0, body: packStrings('ENOENT') })
  expect(replied()).toBe(500 * reply.length)
})
