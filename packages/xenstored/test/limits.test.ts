import { describe, expect, test } from 'vitest'
import { StoreWorld } from './support/store-world.js'

/** Domain 1 owns /g. */
const world = async (options = {}) => {
  const store = new StoreWorld(options)
  const dom0 = store.connect()
  await dom0.mkdir('/g')
  await dom0.setPerms('/g', ['n1'])
  return { store, dom0, guest: store.connect(1) }
}

describe('rule 52: limits of the unprivileged', () => {
  test('1000 nodes, its own and those that others made for it; the 1001st is ENOSPC', async () => {
    const { dom0, guest } = await world()
    // /g itself, 18 directories and 981 below them.
    for (let i = 0; i < 981; i++) expect(await guest.mkdir(`/g/d${i % 18}/${i}`)).toBe('OK')
    expect(await guest.mkdir('/g/more')).toBe('!ENOSPC')
    expect(await guest.write('/g/more', 'x')).toBe('!ENOSPC')
    expect(await guest.write('/g/d0/0', 'existing')).toBe('OK')
    expect(await dom0.mkdir('/g/of-dom0')).toBe('OK')
    await guest.rm('/g/d1/1')
    expect(await guest.mkdir('/g/more')).toBe('!ENOSPC')
    await guest.rm('/g/d2/2')
    expect(await guest.mkdir('/g/a/b')).toBe('!ENOSPC')
    expect(await guest.mkdir('/g/more')).toBe('OK')
  })

  test('nodes in a transaction count, at once and at its commit', async () => {
    const { guest } = await world({ quotas: { nodes: 4 } })
    const [first, second] = [await guest.start(), await guest.start()]
    expect(await guest.mkdir('/g/1/2', first)).toBe('OK')
    expect(await guest.mkdir('/g/3/4', first)).toBe('!ENOSPC')
    expect(await guest.mkdir('/g/5/6', second)).toBe('OK')
    expect(await guest.end(first)).toBe('OK')
    expect(await guest.end(second)).toBe('!ENOSPC')
    expect(await guest.directory('/g')).toBe('1')
    expect(await guest.mkdir('/g/7')).toBe('OK')
    expect(await guest.mkdir('/g/8')).toBe('!ENOSPC')
  })

  test('128 watches; the 129th is E2BIG, until one ends', async () => {
    const { guest } = await world()
    for (let i = 0; i < 128; i++) expect(await guest.watch('/g', String(i))).toBe('OK')
    expect(await guest.watch('/g', '128')).toBe('!E2BIG')
    await guest.unwatch('/g', '0')
    expect(await guest.watch('/g', '128')).toBe('OK')
  })

  test('10 transactions; the 11th is ENOSPC, until one ends', async () => {
    const { guest, dom0 } = await world()
    for (let i = 1; i <= 10; i++) expect(await guest.start()).toBe(i)
    expect(await guest.start()).toBeNaN()
    await guest.end(3, false)
    expect(await guest.start()).toBe(11)
    for (let i = 1; i <= 20; i++) expect(await dom0.start()).toBe(i)
  })

  test('a node of 2047 bytes with its permissions and children; 2048 are ENOSPC', async () => {
    const { guest, dom0 } = await world()
    // A header of 24 bytes and 8 for the one permission.
    expect(await guest.write('/g/v', 'v'.repeat(2015))).toBe('OK')
    expect(await guest.write('/g/v', 'v'.repeat(2016))).toBe('!ENOSPC')
    expect(await guest.write('/g/new', 'v'.repeat(2016))).toBe('!ENOSPC')
    expect(await guest.mkdir('/g/v/c')).toBe('!ENOSPC')
    expect(await guest.setPerms('/g/v', ['n1', 'r2'])).toBe('!ENOSPC')
    expect(await dom0.write('/g/v', 'v'.repeat(4000))).toBe('OK')
  })

  test('a listing that two transactions fill together is judged at the commit', async () => {
    const { guest } = await world()
    const [first, second] = [await guest.start(), await guest.start()]
    expect(await guest.mkdir(`/g/${'a'.repeat(1500)}`, first)).toBe('OK')
    expect(await guest.mkdir(`/g/${'b'.repeat(1500)}`, second)).toBe('OK')
    expect(await guest.end(first)).toBe('OK')
    expect(await guest.end(second)).toBe('!ENOSPC')
    expect(await guest.directory('/g')).toBe('a'.repeat(1500))
  })

  test('5 permissions; 6 are ENOSPC', async () => {
    const { guest, dom0 } = await world()
    const six = ['n1', 'r2', 'r3', 'r4', 'r5', 'r6']
    expect(await guest.setPerms('/g', six.slice(0, 5))).toBe('OK')
    expect(await guest.setPerms('/g', six)).toBe('!ENOSPC')
    expect(await dom0.setPerms('/g', six)).toBe('OK')
  })

  test('1024 nodes in one transaction; more are ENOSPC, and the rest of it commits', async () => {
    const { guest, dom0 } = await world()
    for (let i = 0; i < 1100; i++) await dom0.mkdir(`/n/${i}`)
    await dom0.setPerms('/n', ['n0', 'r1'])
    for (let i = 0; i < 1100; i++) await dom0.setPerms(`/n/${i}`, ['r0'])
    const id = await guest.start()
    expect(await guest.write('/g/own', 'x', id)).toBe('OK')
    // The node that was missing and the one above it count.
    for (let i = 0; i < 1022; i++) expect(await guest.read(`/n/${i}`, id)).toBe('')
    expect(await guest.read('/n/1022', id)).toBe('!ENOSPC')
    expect(await guest.read('/n/5', id)).toBe('')
    expect(await guest.end(id)).toBe('OK')
    expect(await guest.read('/g/own')).toBe('x')
  })

  test('2048 bytes of a path, not counting one’s own directory', async () => {
    const { guest, dom0 } = await world()
    await dom0.mkdir('/local/domain/1')
    await dom0.setPerms('/local/domain/1', ['n1'])
    const long = (bytes: number) => `/g/${'d/'.repeat(1020)}`.padEnd(bytes, 'x')
    expect(await guest.read(long(2048))).toBe('!ENOENT')
    expect(await guest.read(long(2049))).toBe('!EINVAL')
    const relative = 'r'.repeat(2048)
    expect(await guest.read(relative)).toBe('!ENOENT')
    expect(await guest.read(`/local/domain/1/${relative}`)).toBe('!ENOENT')
    expect(await guest.read(`/local/domain/1/${relative}r`)).toBe('!EINVAL')
    expect(await dom0.read(long(3000))).toBe('!ENOENT')
  })
})

describe('S6: the deepest path', () => {
  test('S6: a path of 1500 levels is created, listed, watched, moved in a transaction and removed, without recursion', async () => {
    const { dom0 } = await world()
    const deep = `/deep${'/d'.repeat(1500)}`
    expect(await dom0.write(deep, 'bottom')).toBe('OK')
    expect(await dom0.read(deep)).toBe('bottom')
    await dom0.watch(deep, 't')
    const id = await dom0.start()
    expect(await dom0.write(`${deep}/e`, 'x', id)).toBe('OK')
    await dom0.write('/other', 'x')
    expect(await dom0.end(id)).toBe('OK')
    await dom0.events()
    expect(await dom0.rm('/deep')).toBe('OK')
    expect(await dom0.events()).toEqual([`${deep} t`])
  })
})
