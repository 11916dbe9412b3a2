import type { FrameNumber, Port } from '@split-driver/abi'
import { settle } from '@split-driver/conformance'
import { packStrings, XenStoreOp } from '@split-driver/xenbus'
import { describe, expect, test } from 'vitest'
import { DOM, StoreWorld } from './support/store-world.js'

const { Introduce, Release, IsDomainIntroduced, GetDomainPath, Control, Resume, SetTarget } = XenStoreOp

/** Domain 5 with its directory, introduced, as a toolstack builds it. */
const world = async () => {
  const store = new StoreWorld()
  const dom0 = store.connect()
  const build = async () => {
    await dom0.mkdir('/local/domain/5')
    await dom0.setPerms('/local/domain/5', ['n5'])
    return store.introduce(5)
  }
  return { store, dom0, build, guest: await build() }
}

describe('rule 51: privileged operations', () => {
  test.each([
    ['CONTROL', Control, 'help'],
    ['INTRODUCE', Introduce, '6'],
    ['RELEASE', Release, '5'],
    ['IS_DOMAIN_INTRODUCED', IsDomainIntroduced, '5'],
    ['RESUME', Resume, '5'],
    ['SET_TARGET', SetTarget, '5'],
  ])('%s from others is EACCES', async (_, operation, argument) => {
    const { guest } = await world()
    expect(await guest.ask(operation, packStrings(argument, '1', '1'))).toBe('!EACCES')
  })

  test('GET_DOMAIN_PATH is open to all; IS_DOMAIN_INTRODUCED tells, and of DOMID_SELF always T', async () => {
    const { dom0, guest } = await world()
    expect(await guest.ask(GetDomainPath, packStrings('7'))).toBe('/local/domain/7')
    expect(await dom0.ask(IsDomainIntroduced, packStrings('5'))).toBe('T')
    expect(await dom0.ask(IsDomainIntroduced, packStrings('6'))).toBe('F')
    expect(await dom0.ask(IsDomainIntroduced, packStrings(String(0x7ff0)))).toBe('T')
    expect(await dom0.ask(IsDomainIntroduced, packStrings('x'))).toBe('!EINVAL')
  })
})

describe('INTRODUCE and RELEASE', () => {
  test('rule 51: @introduceDomain and @releaseDomain fire for the privileged and for whoever may read them', async () => {
    const { store, dom0, guest } = await world()
    expect(await dom0.setPerms('@releaseDomain', ['n0', 'r5'])).toBe('OK')
    for (const client of [dom0, guest]) {
      await client.watch('@introduceDomain', 'in')
      await client.watch('@releaseDomain', 'out')
      await client.events()
    }
    store.platform.addDomain(DOM(6))
    expect(await dom0.ask(Introduce, packStrings('6', '-1', '1'))).toBe('OK')
    expect(await dom0.events()).toEqual(['@introduceDomain in'])
    expect(await guest.events()).toEqual([])
    expect(await dom0.ask(Release, packStrings('6'))).toBe('OK')
    expect(await dom0.events()).toEqual(['@releaseDomain out'])
    expect(await guest.events()).toEqual(['@releaseDomain out'])
  })

  test('RELEASE of a domain that was not introduced is ENOENT, of the control domain EINVAL', async () => {
    const { store, dom0 } = await world()
    expect(await dom0.ask(Release, packStrings('9'))).toBe('!ENOENT')
    await store.introduce(0)
    expect(await dom0.ask(Release, packStrings('0'))).toBe('!EINVAL')
  })

  test.each(['map', 'bind', 'listen'] as const)('what fails at %s leaves no mapping and no port', async (step) => {
    const { store, dom0 } = await world()
    const before = store.platform.ledger()
    store.platform.addDomain(DOM(6))
    store.platform.failing = step
    expect(await dom0.ask(Introduce, packStrings('6', '1', '1'))).toMatch(/^!E/)
    expect(store.platform.ledger()).toEqual(before)
    expect(await dom0.ask(IsDomainIntroduced, packStrings('6'))).toBe('F')
  })

  test('introduced again, a domain begins anew: no watches, no transactions, an empty ring', async () => {
    const { store, dom0, guest } = await world()
    await guest.watch('x', 't')
    const id = await guest.start()
    await guest.events()
    store.server.introduce(DOM(5), 0 as FrameNumber, 2 as Port)
    await settle()
    expect(store.platform.ledger()).toHaveLength(2)
    expect(await guest.end(id)).toBe('!ENOENT')
    await dom0.write('/local/domain/5/x', '1')
    expect(await guest.events()).toEqual([])
    expect(await guest.read('x')).toBe('1')
  })

  test('dom0’s own ring page is served like any other, with all rights', async () => {
    const store = new StoreWorld()
    const dom0 = await store.introduce(0)
    expect(await dom0.directory('/')).toBe('tool')
    expect(await dom0.write('own', 'x')).toBe('OK')
    expect(await dom0.read('/local/domain/0/own')).toBe('x')
  })

  test('events tell of the same', async () => {
    const store = new StoreWorld()
    const told: string[] = []
    store.server.on('introduced', (domid) => told.push(`introduced ${domid}`))
    store.server.on('released', (domid) => told.push(`released ${domid}`))
    await store.introduce(5)
    store.server.release(DOM(5))
    expect(told).toEqual(['introduced 5', 'released 5'])
  })

  test('disposed, the server holds no mapping and no port, and every channel is closed', async () => {
    const { store, dom0, guest } = await world()
    await guest.start()
    store[Symbol.dispose]()
    store[Symbol.dispose]()
    expect(store.platform.ledger()).toEqual([])
    expect(dom0.channel.closed).toBe(true)
  })
})

describe('rule 53 and S3: the death of a domain', () => {
  test('its watches and transactions are gone, and what it owned is, with what others own below', async () => {
    const { store, dom0, guest } = await world()
    await dom0.write('/vm/5/name', 'of zero')
    await dom0.write('/backend/5/0', 'x')
    await dom0.setPerms('/backend/5', ['n5'])
    await guest.write('data', 'x')
    await guest.watch('data', 't')
    await guest.start()
    await dom0.watch('/', 'all')
    await dom0.events()
    expect(store.platform.ledger()).toHaveLength(2)
    store.server.release(DOM(5))
    expect(store.platform.ledger()).toEqual([])
    expect(await dom0.read('/vm/5/name')).toBe('of zero')
    expect(await dom0.directory('/backend')).toBe('')
    expect(await dom0.directory('/local/domain')).toBe('')
    expect((await dom0.events()).sort()).toEqual(['/backend/5 all', '/local/domain/5 all'])
  })

  test('S3: a domid that comes back has no right that its predecessor had', async () => {
    const { store, dom0, build } = await world()
    await dom0.write('/shared/node', 'x')
    await dom0.setPerms('/shared/node', ['n0', 'b5', 'r6'])
    store.server.release(DOM(5))
    expect(await dom0.getPerms('/shared/node')).toBe('n0|r6')
    const reborn = await build()
    expect(await reborn.read('/shared/node')).toBe('!EACCES')
    expect(await reborn.write('/shared/node', 'y')).toBe('!EACCES')
    expect(await reborn.directory('/local/domain/5')).toBe('')
    await dom0.setPerms('/shared/node', ['n0', 'r5'])
    expect(await reborn.read('/shared/node')).toBe('x')
  })

  test('S3: nor its watches, counts or transactions', async () => {
    const { store, dom0, guest, build } = await world()
    for (let i = 0; i < 128; i++) await guest.watch('x', String(i))
    for (let i = 0; i < 10; i++) await guest.start()
    for (let i = 0; i < 60; i++) await guest.mkdir(`d/${i}`)
    await guest.events()
    store.server.release(DOM(5))
    const reborn = await build()
    await dom0.write('/local/domain/5/x', 'x')
    expect(await reborn.events()).toEqual([])
    expect(await reborn.end(1)).toBe('!ENOENT')
    for (let i = 0; i < 128; i++) expect(await reborn.watch('x', String(i))).toBe('OK')
    for (let i = 0; i < 10; i++) expect(await reborn.start()).toBe(i + 1)
  })

  test('S3: rights that are given before a domain is introduced are the new one’s', async () => {
    const { store, dom0 } = await world()
    await dom0.write('/for/six', 'x')
    await dom0.setPerms('/for/six', ['n0', 'r6'])
    expect(await (await store.introduce(6)).read('/for/six')).toBe('x')
  })

  test('S3: a transaction that was to make the dead an owner ends in EAGAIN', async () => {
    const { store, dom0 } = await world()
    const id = await dom0.start()
    await dom0.mkdir('/late', id)
    await dom0.setPerms('/late', ['n5'], id)
    store.server.release(DOM(5))
    expect(await dom0.end(id)).toBe('!EAGAIN')
    expect(await dom0.read('/late')).toBe('!ENOENT')
  })

  test('S3: a right that a transaction gives is not the successor’s of who dies before its commit', async () => {
    const { store, dom0, build } = await world()
    await dom0.write('/shared', 'x')
    const id = await dom0.start()
    expect(await dom0.setPerms('/shared', ['n0', 'r5'], id)).toBe('OK')
    store.server.release(DOM(5))
    const reborn = await build()
    expect(await dom0.end(id)).toBe('OK')
    expect(await reborn.read('/shared')).toBe('!EACCES')
    expect(await dom0.getPerms('/shared')).toBe('n0')
  })

  test('what cannot be removed falls back to the control domain', async () => {
    const { store, dom0 } = await world()
    await dom0.setPerms('/', ['r5', 'w6'])
    await dom0.setPerms('@releaseDomain', ['n5'])
    store.server.release(DOM(5))
    expect(await dom0.getPerms('/')).toBe('r0|w6')
    expect(await dom0.getPerms('@releaseDomain')).toBe('n0')
    expect(await dom0.directory('/')).toContain('tool')
  })

  test('other clients of a dead domain are closed', async () => {
    const { store } = await world()
    const other = store.connect(5)
    store.server.release(DOM(5))
    expect(other.channel.closed).toBe(true)
  })
})

describe('S4: domains that are only spoken of', () => {
  test('S4: a guest’s permissions make nobody known: its entries are void, its node cannot be given to such', async () => {
    const store = new StoreWorld()
    const dom0 = store.connect()
    await dom0.mkdir('/g')
    await dom0.setPerms('/g', ['n1'])
    const guest = store.connect(1)
    expect(await guest.setPerms('/g', ['n1', 'b7'])).toBe('OK')
    expect(await guest.setPerms('/g', ['n7'])).toBe('!ENOENT')
    expect(await dom0.ask(XenStoreOp.Control, packStrings('quota', '7'))).toBe('!ENOENT')
    expect(await (await store.introduce(7)).read('/g')).toBe('!EACCES')
    expect(await guest.setPerms('/g', ['n1', 'b7'])).toBe('OK')
    expect(await store.connect(7).read('/g')).toBe('')
  })
})
