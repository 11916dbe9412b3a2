import { describe, expect, test } from 'vitest'
import { StoreWorld } from './support/store-world.js'

/** Domain 1 owns /one; domain 2 may do nothing with it unless told. */
const world = async (permissions: readonly string[] = ['n1']) => {
  const store = new StoreWorld()
  const dom0 = store.connect()
  await dom0.write('/one', 'secret')
  await dom0.setPerms('/one', permissions)
  return { store, dom0, one: store.connect(1), two: store.connect(2) }
}

describe('rule 42: who may do what', () => {
  test('the owner may do everything though its own entry says none', async () => {
    const { one } = await world(['n1'])
    expect(await one.read('/one')).toBe('secret')
    expect(await one.write('/one', 'x')).toBe('OK')
    expect(await one.setPerms('/one', ['r1', 'b2'])).toBe('OK')
    expect(await one.getPerms('/one')).toBe('r1|b2')
  })

  const kinds = [
    ['n', false, false],
    ['r', true, false],
    ['w', false, true],
    ['b', true, true],
  ] as const
  test.each(kinds)("perms[0] of kind %s is everybody else's default", async (kind, reads, writes) => {
    const { two } = await world([`${kind}1`])
    expect(await two.read('/one')).toBe(reads ? 'secret' : '!EACCES')
    expect(await two.directory('/one')).toBe(reads ? '' : '!EACCES')
    expect(await two.getPerms('/one')).toBe(reads ? `${kind}1` : '!EACCES')
    expect(await two.write('/one', 'x')).toBe(writes ? 'OK' : '!EACCES')
  })

  test.each(kinds)('an entry of kind %s overrules the default for the domain it names', async (kind, reads, writes) => {
    const { store, two } = await world([reads ? 'n1' : 'b1', `${kind}2`])
    expect(await two.read('/one')).toBe(reads ? 'secret' : '!EACCES')
    expect(await two.write('/one', 'x')).toBe(writes ? 'OK' : '!EACCES')
    expect(await store.connect(3).read('/one')).not.toBe(await two.read('/one'))
  })

  test('the first matching entry wins', async () => {
    const { two } = await world(['n1', 'n2', 'b2'])
    expect(await two.read('/one')).toBe('!EACCES')
    expect(await two.write('/one', 'x')).toBe('!EACCES')
  })

  test('a new node takes its parent’s permissions, and an unprivileged creator becomes its owner', async () => {
    const { dom0, two } = await world(['n1', 'b2', 'r3'])
    expect(await two.write('/one/a/b', 'x')).toBe('OK')
    expect(await dom0.getPerms('/one/a')).toBe('n2|b2|r3')
    expect(await dom0.getPerms('/one/a/b')).toBe('n2|b2|r3')
  })

  test('a privileged creator leaves the owner as it is', async () => {
    const { dom0 } = await world(['r1', 'w2'])
    await dom0.mkdir('/one/b')
    expect(await dom0.getPerms('/one/b')).toBe('r1|w2')
  })

  test('to write does not suffice to change permissions', async () => {
    const { two } = await world(['b1', 'b2'])
    expect(await two.setPerms('/one', ['b1', 'b2', 'b3'])).toBe('!EACCES')
  })

  test('RM needs the right to write the node, not its parent, and takes what others own below', async () => {
    const { dom0, one, two } = await world(['n1'])
    await dom0.mkdir('/one/of-zero')
    await dom0.setPerms('/one/of-zero', ['n0'])
    expect(await two.rm('/one')).toBe('!EACCES')
    expect(await one.rm('/one')).toBe('OK')
    expect(await dom0.read('/one/of-zero')).toBe('!ENOENT')
  })
})

describe('rule 43: EACCES or ENOENT', () => {
  test('that a node is missing is told to those who may read the nearest one above', async () => {
    const { one, two } = await world(['n1'])
    expect(await one.read('/one/a/b/c')).toBe('!ENOENT')
    expect(await two.read('/one/a/b/c')).toBe('!EACCES')
    expect(await two.read('/none')).toBe('!EACCES')
  })

  test('the access that is asked for is the one that counts above, too', async () => {
    const { two } = await world(['n1', 'r2'])
    expect(await two.read('/one/a')).toBe('!ENOENT')
    expect(await two.write('/one/a', 'x')).toBe('!EACCES')
    expect(await two.mkdir('/one/a')).toBe('!EACCES')
    expect(await two.rm('/one/a')).toBe('!EACCES')
    expect(await two.setPerms('/one/a', ['n2'])).toBe('!EACCES')
  })

  test('a special path that there is not is missing below the root', async () => {
    const { dom0, two } = await world()
    expect(await two.getPerms('@nothing')).toBe('!EACCES')
    expect(await dom0.getPerms('@nothing')).toBe('!ENOENT')
  })
})

describe('S2: rights that a domain does not have', () => {
  test('S2: chmod and rm of / and of the special paths are EACCES', async () => {
    const { two, dom0 } = await world()
    expect(await two.setPerms('/', ['b2'])).toBe('!EACCES')
    expect(await two.rm('/')).toBe('!EACCES')
    expect(await two.directory('/')).toBe('!EACCES')
    expect(await two.setPerms('@releaseDomain', ['b2'])).toBe('!EACCES')
    expect(await two.getPerms('@introduceDomain')).toBe('!EACCES')
    expect(await dom0.getPerms('/')).toBe('n0')
  })

  test('S2: a node cannot be given away: EPERM, and nothing changed', async () => {
    const { one, dom0 } = await world(['n1'])
    expect(await one.setPerms('/one', ['n2', 'b1'])).toBe('!EPERM')
    expect(await dom0.getPerms('/one')).toBe('n1')
    expect(await dom0.setPerms('/one', ['n2'])).toBe('OK')
    expect(await one.read('/one')).toBe('!EACCES')
  })

  test('S2: watches on / and @… without rights: registered, told of once, then silent', async () => {
    const { store, dom0, two } = await world(['n1'])
    expect(await two.watch('/', 'root')).toBe('OK')
    expect(await two.watch('@introduceDomain', 'in')).toBe('OK')
    expect(await two.watch('@releaseDomain', 'out')).toBe('OK')
    expect(await two.events()).toEqual(['/ root', '@introduceDomain in', '@releaseDomain out'])
    await dom0.write('/one', 'more')
    await dom0.write('/one/deep', 'more')
    await dom0.rm('/one')
    await store.introduce(3)
    store.server.release(3 as never)
    expect(await two.events()).toEqual([])
  })

  test('S2: one who lost the right to read is told of that, and of nothing more', async () => {
    const { dom0, two } = await world(['n1', 'r2'])
    await two.watch('/one', 't')
    await two.events()
    await dom0.setPerms('/one', ['n1'])
    expect(await two.events()).toEqual(['/one t'])
    await dom0.write('/one', 'x')
    expect(await two.events()).toEqual([])
  })

  test('S2: a node that is unreadable shows itself below a readable parent, as in the original', async () => {
    const { dom0, two } = await world(['r1'])
    await dom0.write('/one/hidden', 'x')
    await dom0.setPerms('/one/hidden', ['n1'])
    await two.watch('/one', 't')
    await two.events()
    await dom0.write('/one/hidden', 'y')
    expect(await two.events()).toEqual(['/one/hidden t'])
    await dom0.write('/one/hidden/deeper', 'y')
    expect(await two.events()).toEqual([])
  })
})
