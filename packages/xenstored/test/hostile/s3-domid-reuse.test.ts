import type { Domid } from '@split-driver/abi'
import { packStrings, XenStoreOp } from '@split-driver/xenbus'
import { expect, test } from 'vitest'
import { HONEST, HOSTILE, HostileWorld } from '../support/hostile-world.js'

const HOME = `/local/domain/${HOSTILE}`

/** The domain dies and another comes with its number, as a toolstack builds it. */
const reborn = async (world: HostileWorld) => {
  world.store.server.release(HOSTILE as Domid)
  world.store.platform.addDomain(HOSTILE as Domid)
  await world.dom0.mkdir(HOME)
  await world.dom0.setPerms(HOME, [`n${HOSTILE}`])
  return world.store.introduce(HOSTILE)
}

const control = ({ dom0 }: HostileWorld, type: number, ...strings: (string | number)[]) =>
  dom0.ask(type, packStrings(...strings.map(String)))

test('S3: nothing that the dead owned is its successor’s, wherever it was', async () => {
  const world = await HostileWorld.open('ring')
  for (const path of ['/open', `/local/domain/${HONEST}/open`]) {
    await world.dom0.mkdir(path)
    await world.dom0.setPerms(path, ['n0', `b${HOSTILE}`])
    expect(await world.hostile.write(`${path}/owned/deep`, 'x')).toBe('OK')
  }
  const successor = await reborn(world)
  for (const path of ['/open', `/local/domain/${HONEST}/open`]) {
    expect(await world.dom0.directory(path)).toBe('')
    expect(await world.dom0.getPerms(path)).toBe('n0')
    expect(await successor.write(`${path}/again`, 'x')).toBe('!EACCES')
  }
  expect(await world.used('nodes')).toBe(1)
  await world.expectSound()
})

test('S3: a quota, features and a target of its own are not its successor’s', async () => {
  const world = await HostileWorld.open('ring')
  await control(world, XenStoreOp.SetQuota, HOSTILE, 'nodes', 5000)
  await control(world, XenStoreOp.SetTarget, HOSTILE, HONEST)
  await world.dom0.write(`/local/domain/${HONEST}/private`, 'x')
  expect(await world.hostile.read(`/local/domain/${HONEST}/private`)).toBe('x')
  const successor = await reborn(world)
  expect(await control(world, XenStoreOp.GetQuota, HOSTILE, 'nodes')).toBe('1000')
  expect(await successor.read(`/local/domain/${HONEST}/private`)).toBe('!EACCES')
})

test('S3: whoever targets the dead has no rights of its successor', async () => {
  const world = await HostileWorld.open('ring')
  await control(world, XenStoreOp.SetTarget, HONEST, HOSTILE)
  const honest = world.store.connect(HONEST)
  expect(await honest.write(`${HOME}/x`, 'x')).toBe('OK')
  await reborn(world)
  expect(await honest.write(`${HOME}/x`, 'x')).toBe('!EACCES')
})

test('S3: neither watches nor transactions, nor what was counted, outlive it', async () => {
  const world = await HostileWorld.open('ring')
  for (let i = 0; i < 128; i++) expect(await world.hostile.watch(HOME, `${i}`)).toBe('OK')
  const ids = []
  for (let i = 0; i < 10; i++) ids.push(await world.hostile.start())
  for (const id of ids) await world.hostile.write('x/y/z', 'v'.repeat(1000), id)
  const successor = await reborn(world)
  const names = ['nodes', 'watches', 'transactions']
  expect(await Promise.all(names.map((name) => world.used(name)))).toEqual([1, 0, 0])
  for (const id of ids) expect(await successor.end(id)).toBe('!ENOENT')
  await world.dom0.write(`${HOME}/x`, '1')
  expect(await successor.events()).toEqual([])
  await world.expectSound()
})

test('S3: a transaction that others have open gives the successor nothing', async () => {
  const world = await HostileWorld.open('ring')
  await world.dom0.write('/shared', 'x')
  const [granting, giving] = [await world.dom0.start(), await world.dom0.start()]
  await world.dom0.setPerms('/shared', ['n0', `b${HOSTILE}`], granting)
  await world.dom0.mkdir('/given', giving)
  await world.dom0.setPerms('/given', [`n${HOSTILE}`], giving)
  const successor = await reborn(world)
  expect(await world.dom0.end(granting)).toBe('OK')
  expect(await world.dom0.end(giving)).toBe('!EAGAIN')
  expect(await successor.read('/shared')).toBe('!EACCES')
  expect(await world.dom0.read('/given')).toBe('!ENOENT')
  await world.expectSound()
})

test('S3: a hundred lives of one domid leave nothing behind', async () => {
  const world = await HostileWorld.open('ring')
  const before = await world.dom0.directory('/local/domain')
  let client = world.hostile
  for (let life = 0; life < 100; life++) {
    await client.write('a/b', 'x')
    await client.watch('a', 't')
    await client.start()
    client = await reborn(world)
  }
  expect((await world.dom0.directory('/local/domain')).split('|').sort()).toEqual(before.split('|').sort())
  expect(world.store.platform.ledger()).toHaveLength(4)
  await world.expectSound()
})
