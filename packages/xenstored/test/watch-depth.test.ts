import { packStrings, XenStoreOp } from '@split-driver/xenbus'
import { describe, expect, test } from 'vitest'
import { DOM, StoreWorld } from './support/store-world.js'

const world = async () => {
  const store = new StoreWorld()
  const dom0 = store.connect()
  const ask = (path: string, token: string, depth: string) =>
    dom0.ask(XenStoreOp.Watch, packStrings(path, token, depth))
  return { store, dom0, ask }
}

describe('WATCH with a depth', () => {
  test('0 is the node itself, 1 its children, 2 theirs; none is all', async () => {
    const { store, dom0 } = await world()
    const watcher = store.connect()
    for (const depth of ['0', '1', '2']) await watcher.ask(XenStoreOp.Watch, packStrings('/a', `depth ${depth}`, depth))
    await watcher.watch('/a', 'all')
    await watcher.events()
    const told: string[][] = []
    for (const path of ['/a', '/a/b', '/a/b/c', '/a/b/c/d']) {
      await dom0.write(path, 'x')
      told.push((await watcher.events()).map((event) => event.slice(path.length + 1)))
    }
    expect(told).toEqual([
      ['depth 0', 'depth 1', 'depth 2', 'all'],
      ['depth 1', 'depth 2', 'all'],
      ['depth 2', 'all'],
      ['all'],
    ])
  })

  test('also below the root, and for a path relative to one’s own', async () => {
    const { store, dom0, ask } = await world()
    await ask('/', 'root', '1')
    const guest = await store.introduce(5)
    await dom0.write('/local/domain/5/x', '')
    await dom0.setPerms('/local/domain/5', ['n5'])
    await guest.ask(XenStoreOp.Watch, packStrings('x', 'mine', '0'))
    await Promise.all([guest.events(), dom0.events()])
    await dom0.write('/top', 'x')
    await dom0.write('/top/below', 'x')
    await dom0.setPerms('/local/domain/5/x', ['b5'])
    await dom0.write('/local/domain/5/x/y', 'x')
    expect(await dom0.events()).toEqual(['/top root'])
    expect(await guest.events()).toEqual(['x mine'])
  })

  test('rule 46: what goes with a node above it is told to a watch on exactly that path, whatever its depth', async () => {
    const { dom0, ask } = await world()
    await dom0.write('/a/b/c', '')
    await ask('/a/b/c', 'c', '0')
    await ask('/a', 'a', '1')
    await dom0.events()
    await dom0.rm('/a/b')
    expect(await dom0.events()).toEqual(['/a/b/c c', '/a/b a'])
  })

  test('what is no number is EINVAL; path and token alone tell watches apart', async () => {
    const { dom0, ask } = await world()
    for (const depth of ['', '-1', '1x', '99999999999']) expect(await ask('/a', 't', depth)).toBe('!EINVAL')
    expect(await dom0.ask(XenStoreOp.Watch, packStrings('/a', 't', '1', 'more'))).toBe('!EINVAL')
    expect(await ask('/a', 't', '1')).toBe('OK')
    expect(await ask('/a', 't', '2')).toBe('!EEXIST')
    expect(await dom0.unwatch('/a', 't')).toBe('OK')
  })

  test('is EINVAL for a domain that is not offered it', async () => {
    const { store, dom0 } = await world()
    expect(await dom0.ask(XenStoreOp.SetFeature, packStrings('5', '3'))).toBe('OK')
    const guest = await store.introduce(5)
    expect(await guest.ask(XenStoreOp.Watch, packStrings('x', 't', '1'))).toBe('!EINVAL')
    expect(await guest.watch('x', 't')).toBe('OK')
  })
})

describe('rule 51: special watches', () => {
  /** Of domain 5, then of domain 6. */
  const comings = async (store: StoreWorld) => {
    await store.introduce(5)
    await store.introduce(6)
    store.server.release(DOM(5))
    store.server.release(DOM(6))
  }

  test('without a depth the happening is told, with 1 the domain too, with another nothing', async () => {
    const { store, dom0, ask } = await world()
    await dom0.watch('@releaseDomain', 'plain')
    await ask('@releaseDomain', 'one', '1')
    await ask('@releaseDomain', 'none', '0')
    await ask('@introduceDomain', 'came', '1')
    await dom0.events()
    await comings(store)
    expect(await dom0.events()).toEqual([
      '@introduceDomain/5 came',
      '@introduceDomain/6 came',
      '@releaseDomain plain',
      '@releaseDomain/5 one',
      '@releaseDomain plain',
      '@releaseDomain/6 one',
    ])
  })

  test('@releaseDomain/6 is told of domain 6 alone, with or without a depth', async () => {
    const { store, dom0, ask } = await world()
    await dom0.watch('@releaseDomain/6', 'six')
    await ask('@releaseDomain/6', 'deep', '0')
    expect(await dom0.events()).toEqual(['@releaseDomain/6 six', '@releaseDomain/6 deep'])
    await comings(store)
    expect(await dom0.events()).toEqual(['@releaseDomain/6 six', '@releaseDomain/6 deep'])
  })

  test('S2: their permissions hold for the domain’s form as well', async () => {
    const { store, dom0 } = await world()
    const guest = store.connect(9)
    await guest.watch('@releaseDomain/5', 'five')
    await guest.ask(XenStoreOp.Watch, packStrings('@releaseDomain', 'any', '1'))
    await guest.watch('@introduceDomain', 'came')
    await guest.events()
    await comings(store)
    expect(await guest.events()).toEqual([])
    expect(await guest.getPerms('@releaseDomain')).toBe('!EACCES')
    expect(await guest.getPerms('@releaseDomain/5')).toBe('!EACCES')
    expect(await dom0.getPerms('@releaseDomain/5')).toBe('!ENOENT')
    expect(await dom0.setPerms('@releaseDomain', ['n0', 'r9'])).toBe('OK')
    expect(await guest.getPerms('@releaseDomain')).toBe('n0|r9')
    await guest.events()
    await comings(store)
    expect(await guest.events()).toEqual(['@releaseDomain/5 five', '@releaseDomain/5 any', '@releaseDomain/6 any'])
  })
})
