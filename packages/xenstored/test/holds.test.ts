import { describe, expect, test } from 'vitest'
import { DOM, StoreWorld } from './support/store-world.js'

/** Domain 5 owns /g, behind a ring page. */
const world = async () => {
  const store = new StoreWorld()
  const dom0 = store.connect()
  await dom0.mkdir('/g')
  await dom0.setPerms('/g', ['b5'])
  const guest = await store.introduce(5)
  await guest.write('/g/x', '0')
  /** A transaction of dom0's that takes so long, in which domain 5 changes what it has read. */
  const spoilt = async (ms: number, change: () => Promise<string>) => {
    const id = await dom0.start()
    await dom0.read('/g/x', id)
    await dom0.write('/result', 'x', id)
    store.clock.advance(ms)
    expect(await change()).toBe('OK')
    return dom0.end(id)
  }
  return { store, dom0, guest, spoilt }
}

describe('S6: the control domain’s transactions get through', () => {
  test.each([
    ['a write', '/g/x'],
    ['a removal', undefined],
  ])('S6: whoever spoilt one by %s is not read from until there was time for another', async (_, path) => {
    const { store, dom0, guest, spoilt } = await world()
    const change = () => (path === undefined ? guest.rm('/g/x') : guest.write(path, '1'))
    expect(await spoilt(20, change)).toBe('!EAGAIN')
    let answered = 0
    const flood = Array.from({ length: 30 }, () =>
      guest.write('/g/x', '2').then(
        () => answered++,
        () => {},
      ),
    )
    const id = await dom0.start()
    await dom0.read('/g/x', id)
    store.clock.advance(39)
    expect(answered).toBe(0)
    expect(await dom0.end(id)).toBe('OK')
    store.clock.advance(1)
    await guest.events()
    await Promise.all(flood)
    expect(answered).toBe(30)
  })

  test('S6: for a second at most, and for a millisecond at least', async () => {
    const { store, guest, spoilt } = await world()
    for (const [age, ms] of [
      [60_000, 1000],
      [0, 1],
    ] as const) {
      expect(await spoilt(age, () => guest.write('/g/x', '1'))).toBe('!EAGAIN')
      const reply = guest.read('/g/x')
      store.clock.advance(ms - 1)
      expect(guest.messages.at(-1)?.type).not.toBe(2)
      store.clock.advance(1)
      expect(await reply).toBe('1')
    }
  })

  test('events reach a domain that is held, and it may ask again after its death as another', async () => {
    const { store, dom0, guest, spoilt } = await world()
    await guest.watch('/g', 't')
    await guest.events()
    expect(await spoilt(20, () => guest.write('/g/x', '1'))).toBe('!EAGAIN')
    await guest.events()
    await dom0.write('/g/y', '1')
    expect(await guest.events()).toEqual(['/g/y t'])
    store.server.release(DOM(5))
    expect(await (await store.introduce(5)).read('/g')).toBe('!EACCES')
  })

  test('nobody is held for a guest’s transaction, nor for what the control domain did itself', async () => {
    const { store, dom0, guest } = await world()
    await dom0.setPerms('/g/x', ['n5', 'b6'])
    const other = await store.introduce(6)
    const id = await other.start()
    await other.read('/g/x', id)
    await guest.write('/g/x', '1')
    expect(await other.end(id)).toBe('!EAGAIN')
    expect(await guest.write('/g/x', '2')).toBe('OK')
    const own = await dom0.start()
    await dom0.read('/g/x', own)
    await dom0.write('/g/x', '3')
    expect(await dom0.end(own)).toBe('!EAGAIN')
    expect(await dom0.read('/g/x')).toBe('3')
    expect(await guest.read('/g/x')).toBe('3')
  })

  test('a server that is disposed leaves no timer', async () => {
    const { store, guest, spoilt } = await world()
    await spoilt(20, () => guest.write('/g/x', '1'))
    expect(store.clock.timers).toBe(1)
    store[Symbol.dispose]()
    expect(store.clock.timers).toBe(0)
  })
})
