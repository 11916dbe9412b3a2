import { headerOf, settle } from '@split-driver/conformance'
import { xenstoreDomainInterface } from '@split-driver/ring'
import { packStrings, XenStoreOp } from '@split-driver/xenbus'
import { describe, expect, test } from 'vitest'
import { DOM, StoreWorld } from './support/store-world.js'

const { at } = xenstoreDomainInterface

const world = async (features = 7) => {
  const store = new StoreWorld()
  const dom0 = store.connect()
  await dom0.mkdir('/local/domain/5')
  await dom0.setPerms('/local/domain/5', ['n5'])
  await dom0.ask(XenStoreOp.SetFeature, packStrings('5', String(features)))
  const guest = await store.introduce(5)
  const page = store.platform.pages.get(DOM(5))!
  /** @returns the domain’s client after it */
  const reconnect = async () => {
    page.store(at.connection.word, 1)
    store.platform.raise(DOM(5))
    await settle()
    return store.ringClient(5)
  }
  return { store, dom0, guest, page, reconnect }
}

const indicesOf = (page: Awaited<ReturnType<typeof world>>['page']) =>
  [at.reqCons, at.reqProd, at.rspCons, at.rspProd].map(({ word }) => page.load(word))

describe('docs/misc/xenstore-ring.txt: reconnection (rule 54)', () => {
  test('both directions are empty, the page says connected, and the domain is told', async () => {
    const { store, guest, page, reconnect } = await world()
    await guest.write('x', '1')
    guest.stall()
    guest.postRaw(headerOf(XenStoreOp.Write, 100))
    guest.post(XenStoreOp.Read, new Uint8Array(50))
    await settle()
    let notified = 0
    store.platform.onNotify.set(DOM(5), () => notified++)
    const again = await reconnect()
    expect(notified).toBe(1)
    expect(page.load(at.connection.word)).toBe(0)
    expect(indicesOf(page)).toEqual([0, 0, 0, 0])
    expect(await again.read('x')).toBe('1')
    expect(store.platform.eois).toBe(store.platform.deliveries)
  })

  test('watches, transactions and undelivered events are gone; what was written stays', async () => {
    const { store, dom0, guest, reconnect } = await world()
    await guest.watch('x', 't')
    const id = await guest.start()
    await guest.write('in', 'transaction', id)
    guest.stall()
    await dom0.write('/local/domain/5/x', 'kept')
    const again = await reconnect()
    expect(store.server.holdings()).toEqual([])
    await dom0.write('/local/domain/5/x', 'more')
    expect(await again.events()).toEqual([])
    expect(await again.read('in', id)).toBe('!ENOENT')
    expect(await again.read('x')).toBe('more')
    expect(await again.watch('x', 't')).toBe('OK')
  })

  test.each([
    ['a body of 4097 bytes', 3],
    ['an index that runs away', 2],
  ])('heals %s: error %i becomes 0', async (what, error) => {
    const { store, guest, page, reconnect } = await world()
    if (error === 3) guest.postRaw(headerOf(XenStoreOp.Write, 4097))
    else page.store(at.reqProd.word, page.load(at.reqCons.word) + 5000)
    store.platform.raise(DOM(5))
    await settle()
    expect(page.load(at.error.word), what).toBe(error)
    const again = await reconnect()
    expect(page.load(at.error.word)).toBe(0)
    expect(await again.write('y', '1')).toBe('OK')
    expect(await again.read('y')).toBe('1')
  })

  test('again and again, and each time nothing is left over', async () => {
    const { store, reconnect } = await world()
    for (let i = 0; i < 50; i++) {
      const client = await reconnect()
      expect(await client.watch('x', 't')).toBe('OK')
      await client.start()
    }
    await reconnect()
    expect(store.server.holdings()).toEqual([])
    expect(store.platform.ledger()).toHaveLength(2)
  })

  test('a domain that was not offered it is served on as it was; nor is an error told that was not offered', async () => {
    const { store, guest, page } = await world(0)
    page.store(at.connection.word, 1)
    expect(await guest.write('x', '1')).toBe('OK')
    expect(page.load(at.connection.word)).toBe(1)
    guest.postRaw(headerOf(XenStoreOp.Write, 4097))
    store.platform.raise(DOM(5))
    await settle()
    expect(page.load(at.error.word)).toBe(0)
    guest.post(XenStoreOp.Read, packStrings('x'))
    guest.messages.length = 0
    await settle()
    expect(guest.messages).toEqual([])
  })
})
