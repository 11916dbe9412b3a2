import { packStrings, XenStoreOp } from '@split-driver/xenbus'
import { describe, expect, test } from 'vitest'
import { StoreWorld } from './support/store-world.js'

/** Domain 1 owns /g, domain 2 /h. */
const world = async () => {
  const store = new StoreWorld({ quotas: { watches: 3 } })
  const dom0 = store.connect()
  for (const [path, domid] of [
    ['/g', 1],
    ['/h', 2],
  ] as const) {
    await dom0.mkdir(path)
    await dom0.setPerms(path, [`n${domid}`])
  }
  const get = (...texts: string[]) => dom0.ask(XenStoreOp.GetQuota, packStrings(...texts))
  const set = (...texts: string[]) => dom0.ask(XenStoreOp.SetQuota, packStrings(...texts))
  return { store, dom0, get, set, guest: store.connect(1) }
}

describe('rule 52: GET_QUOTA and SET_QUOTA', () => {
  test('without a name: all names, separated by blanks', async () => {
    const { dom0, get } = await world()
    const names =
      'nodes watches outstanding memory soft-memory transactions transaction-nodes node-permissions path-max node-size'
    expect(await dom0.ask(XenStoreOp.GetQuota, new Uint8Array())).toBe(names)
    expect(await get('')).toBe(names)
  })

  test('the defaults are the original’s, and a server’s options change them', async () => {
    const { get } = await world()
    const values: Record<string, string> = {}
    for (const name of (await get('')).split(' ')) values[name] = await get(name)
    expect(values).toEqual({
      nodes: '1000',
      watches: '3',
      outstanding: '20',
      memory: '2621440',
      'soft-memory': '2097152',
      transactions: '10',
      'transaction-nodes': '1024',
      'node-permissions': '5',
      'path-max': '2048',
      'node-size': '2048',
    })
  })

  test('a domain’s own holds for it alone, and goes with it', async () => {
    const { store, guest, get, set } = await world()
    expect(await set('1', 'nodes', '2')).toBe('OK')
    expect(await get('1', 'nodes')).toBe('2')
    expect(await get('2', 'nodes')).toBe('1000')
    expect(await guest.mkdir('/g/a')).toBe('OK')
    expect(await guest.mkdir('/g/b')).toBe('!ENOSPC')
    expect(await store.connect(2).mkdir('/h/a/b')).toBe('OK')
    expect(await set('1', 'nodes', '0')).toBe('OK')
    expect(await guest.mkdir('/g/b')).toBe('OK')
  })

  test('a global one is what domains that are new begin with', async () => {
    const { get, set } = await world()
    expect(await set('nodes', '7')).toBe('OK')
    expect(await get('nodes')).toBe('7')
    expect(await get('1', 'nodes')).toBe('1000')
    expect(await get('3', 'nodes')).toBe('7')
  })

  test('permissions is another name of node-permissions', async () => {
    const { get, set } = await world()
    expect(await set('permissions', '9')).toBe('OK')
    expect(await get('node-permissions')).toBe('9')
  })

  test('what is neither a quota, a domain nor a value is EINVAL; guests may ask neither', async () => {
    const { get, set, guest } = await world()
    for (const texts of [['none'], ['x', 'nodes'], ['1', 'none'], ['1', 'nodes', '3'], ['toString']])
      expect(await get(...texts)).toBe('!EINVAL')
    for (const texts of [['nodes'], ['nodes', ''], ['nodes', '-1'], ['nodes', '4294967295'], ['1', 'nodes', '1', '1']])
      expect(await set(...texts)).toBe('!EINVAL')
    expect(await guest.ask(XenStoreOp.GetQuota, packStrings('nodes'))).toBe('!EACCES')
    expect(await guest.ask(XenStoreOp.SetQuota, packStrings('nodes', '1'))).toBe('!EACCES')
  })
})
