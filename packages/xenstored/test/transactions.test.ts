import type { XenStoreWireClient } from '@split-driver/conformance'
import { packStrings, XenStoreOp } from '@split-driver/xenbus'
import { describe, expect, test } from 'vitest'
import { StoreWorld } from './support/store-world.js'

const world = async () => {
  const store = new StoreWorld()
  const [one, two] = [store.connect(), store.connect()]
  await one.write('/a/x', 'x')
  await one.write('/b/y', 'y')
  return { store, one, two }
}

describe('rule 49: START and END', () => {
  test('START inside a transaction is EBUSY; an unknown id is ENOENT everywhere', async () => {
    const { one } = await world()
    const id = await one.start()
    expect(await one.ask(XenStoreOp.TransactionStart, packStrings(''), id)).toBe('!EBUSY')
    expect(await one.ask(XenStoreOp.TransactionStart, packStrings(''), 99)).toBe('!ENOENT')
    expect(await one.end(99)).toBe('!ENOENT')
    expect(await one.end(0)).toBe('!ENOENT')
    expect(await one.read('/a/x', 99)).toBe('!ENOENT')
  })

  test('END takes "T" or "F", else EINVAL, and the transaction goes on', async () => {
    const { one } = await world()
    const id = await one.start()
    for (const body of [packStrings('t'), packStrings(''), packStrings('T', 'F'), new TextEncoder().encode('T')])
      expect(await one.ask(XenStoreOp.TransactionEnd, body, id)).toBe('!EINVAL')
    expect(await one.end(id)).toBe('OK')
    expect(await one.end(id)).toBe('!ENOENT')
  })

  test('an id is the connection’s own', async () => {
    const { one, two } = await world()
    const id = await one.start()
    expect(await two.read('/a/x', id)).toBe('!ENOENT')
    expect(await two.end(id)).toBe('!ENOENT')
  })

  test('F undoes everything', async () => {
    const { one } = await world()
    const id = await one.start()
    await one.write('/a/x', 'changed', id)
    await one.rm('/b', id)
    expect(await one.end(id, false)).toBe('OK')
    expect(await one.read('/a/x')).toBe('x')
    expect(await one.read('/b/y')).toBe('y')
  })
})

describe('isolation', () => {
  test('a transaction sees the store as it was when it began, and its own changes; others see none of them', async () => {
    const { one, two } = await world()
    const id = await one.start()
    await two.write('/a/x', 'later')
    expect(await one.read('/a/x', id)).toBe('x')
    await one.write('/a/new', 'own', id)
    expect(await one.read('/a/new', id)).toBe('own')
    expect(await one.directory('/a', id)).toBe('x|new')
    expect(await two.read('/a/new')).toBe('!ENOENT')
    expect(await two.directory('/a')).toBe('x')
  })

  test('many transactions of one client are apart', async () => {
    const { one } = await world()
    const [first, second] = [await one.start(), await one.start()]
    await one.write('/a/one', '1', first)
    await one.write('/b/two', '2', second)
    expect(await one.read('/a/one', second)).toBe('!ENOENT')
    expect(await one.end(second)).toBe('OK')
    expect(await one.end(first)).toBe('OK')
    expect(await one.read('/a/one')).toBe('1')
    expect(await one.read('/b/two')).toBe('2')
  })
})

type Step = (client: XenStoreWireClient, txId: number) => Promise<unknown>

const reads =
  (path: string): Step =>
  (client, txId) =>
    client.read(path, txId)
const lists =
  (path: string): Step =>
  (client, txId) =>
    client.directory(path, txId)
const perms =
  (path: string): Step =>
  (client, txId) =>
    client.getPerms(path, txId)
const writes =
  (path: string): Step =>
  (client, txId) =>
    client.write(path, 'by transaction', txId)
const makes =
  (path: string): Step =>
  (client, txId) =>
    client.mkdir(path, txId)
const removes =
  (path: string): Step =>
  (client, txId) =>
    client.rm(path, txId)
const permits =
  (path: string): Step =>
  (client, txId) =>
    client.setPerms(path, ['r0'], txId)

describe('rule 48: conflicts', () => {
  const conflicts: [string, Step, Step][] = [
    ['a node that was read', reads('/a/x'), writes('/a/x')],
    ['a node that was read and then removed', reads('/a/x'), removes('/a')],
    ['a node whose permissions were read', perms('/a/x'), permits('/a/x')],
    ['a node that was absent', reads('/a/none'), makes('/a/none')],
    ['a node above an absent one', reads('/a/none/deeper'), makes('/a/none')],
    ['a listing, by a new child', lists('/a'), makes('/a/new')],
    ['a listing, by a removed child', lists('/a'), removes('/a/x')],
    ['a node that was written', writes('/a/x'), writes('/a/x')],
    ['a node that was created', makes('/a/new'), makes('/a/new')],
    ['a node that was to be created below a removed one', makes('/a/new'), removes('/a')],
    ['a node that was removed', removes('/a'), writes('/a/x')],
    ['a node that was removed, by a new one below', removes('/a'), makes('/a/x/deep')],
    ['a node whose permissions were set', permits('/a/x'), writes('/a/x')],
    ['a node that was removed though it was missing', removes('/a/none'), makes('/a/none')],
  ]
  test.each(conflicts)('EAGAIN: %s', async (_, own, other) => {
    const { one, two } = await world()
    const id = await one.start()
    await own(one, id)
    await one.write('/elsewhere', 'x', id)
    await other(two, 0)
    expect(await one.end(id)).toBe('!EAGAIN')
    expect(await one.read('/elsewhere')).toBe('!ENOENT')
  })

  const disjoint: [string, Step, Step][] = [
    ['other nodes', writes('/a/x'), writes('/b/y')],
    ['two new children of one node', makes('/a/one'), makes('/a/two')],
    ['two children removed from one node', removes('/a/x'), removes('/b/y')],
    ['a child that comes below a node that was read', reads('/a'), makes('/a/new')],
    ['a value that changes below a listing', lists('/a'), writes('/a/x')],
    ['a node below one that was read', reads('/b'), writes('/b/y')],
    ['the same node, only read', reads('/a/x'), reads('/a/x')],
  ]
  test.each(disjoint)('both commit: %s', async (_, own, other) => {
    const { one, two } = await world()
    const [first, second] = [await one.start(), await two.start()]
    await own(one, first)
    await other(two, second)
    expect(await two.end(second)).toBe('OK')
    expect(await one.end(first)).toBe('OK')
  })

  test('what two transactions made is all there, in the order of the commits', async () => {
    const { one, two } = await world()
    const [first, second] = [await one.start(), await two.start()]
    await one.write('/a/one', '1', first)
    await one.write('/a/x', 'changed', first)
    await two.write('/a/two', '2', second)
    await two.end(second)
    expect(await one.end(first)).toBe('OK')
    expect(await one.directory('/a')).toBe('x|two|one')
    expect(await one.read('/a/x')).toBe('changed')
  })

  test('a merge keeps what was removed and made again, in the order of creation', async () => {
    const { one, two } = await world()
    await one.write('/a/x/old', 'old')
    const id = await one.start()
    await one.write('/a/x', 'touched', id)
    await one.mkdir('/a/zero', id)
    await one.rm('/a/x', id)
    await one.write('/a/x/new', 'new', id)
    await two.write('/b/y', 'meanwhile')
    expect(await one.end(id)).toBe('OK')
    expect(await one.directory('/a')).toBe('zero|x')
    expect(await one.directory('/a/x')).toBe('new')
    expect(await one.read('/a/x')).toBe('')
    expect(await one.read('/b/y')).toBe('meanwhile')
  })
})

describe('S5: all or nothing', () => {
  test('S5: created and deleted in one transaction leaves no trace, nor counts', async () => {
    const { store, one } = await world()
    await one.mkdir('/guest')
    await one.setPerms('/guest', ['n1'])
    const guest = store.connect(1)
    for (let round = 0; round < 5; round++) {
      const id = await guest.start()
      for (let i = 0; i < 900; i++) await guest.write(`/guest/${i}`, 'x', id)
      for (let i = 0; i < 900; i++) await guest.rm(`/guest/${i}`, id)
      expect(await guest.end(id)).toBe('OK')
    }
    for (let i = 0; i < 64; i++) expect(await guest.write(`/guest/d/${i}`, 'x')).toBe('OK')
  })

  test('S5: a reset inside a transaction ends it, and none of it happened', async () => {
    const { one } = await world()
    const id = await one.start()
    await one.write('/a/x', 'changed', id)
    expect(await one.ask(XenStoreOp.ResetWatches, packStrings(''), id)).toBe('OK')
    expect(await one.write('/a/x', 'again', id)).toBe('!ENOENT')
    expect(await one.end(id)).toBe('!ENOENT')
    expect(await one.read('/a/x')).toBe('x')
  })

  test.each([1, 2, 3, 4, 5, 6])('S5: a conflict that arises after step %i leaves nothing half done', async (step) => {
    const { one, two } = await world()
    const steps: Step[] = [reads('/a/x'), writes('/a/w'), makes('/m/n/o'), permits('/a'), removes('/b'), reads('/none')]
    const id = await one.start()
    for (const [index, action] of steps.entries()) {
      await action(one, id)
      if (index + 1 === step) await two.write('/a/x', 'conflict')
    }
    expect(await one.end(id)).toBe('!EAGAIN')
    expect(await one.directory('/')).toBe('tool|a|b')
    expect(await one.directory('/a')).toBe('x')
    expect(await one.getPerms('/a')).toBe('n0')
    expect(await one.read('/b/y')).toBe('y')
  })

  test('what is written again and again keeps nothing alive, and leaves no transaction behind', async () => {
    const store = new StoreWorld({ limits: { transactionDriftBytes: 100_000 } })
    const [one, two] = [store.connect(), store.connect()]
    const id = await one.start()
    await one.write('/a', 'own', id)
    for (let i = 0; i < 40; i++) await two.write('/b', 'v'.repeat(4000))
    expect(await one.end(id)).toBe('OK')
  })

  test('a transaction sees what was there when it began, however often it was written before and is since', async () => {
    const store = new StoreWorld()
    const [one, two] = [store.connect(), store.connect()]
    for (const value of ['1', '2', '3']) await two.write('/a/b', value)
    const id = await one.start()
    for (const value of ['4', '5', '6']) {
      await two.write('/a/b', value)
      expect(await one.read('/a/b', id)).toBe('3')
    }
    const later = await two.start()
    await one.write('/a/b', '7')
    expect([await two.read('/a/b', later), await one.read('/a/b', id), await one.read('/a/b')]).toEqual(['6', '3', '7'])
    expect([await one.end(id), await two.end(later)]).toEqual(['!EAGAIN', '!EAGAIN'])
  })

  test('a transaction that the store left far behind ends in EAGAIN and keeps nothing alive', async () => {
    const store = new StoreWorld({ limits: { transactionDriftBytes: 100_000 } })
    const [one, two] = [store.connect(), store.connect()]
    const id = await one.start()
    await one.write('/a', 'own', id)
    for (let i = 0; i < 40; i++) await two.write(`/b/${i}`, 'v'.repeat(4000))
    expect(await one.read('/b/39', id)).toBe('v'.repeat(4000))
    expect(await one.end(id)).toBe('!EAGAIN')
    expect(await one.read('/a')).toBe('!ENOENT')
    const again = await one.start()
    await one.write('/a', 'own', again)
    expect(await one.end(again)).toBe('OK')
  })
})
