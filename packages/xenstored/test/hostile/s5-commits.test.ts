import type { Domid } from '@split-driver/abi'
import { packStrings, XenStoreOp } from '@split-driver/xenbus'
import { describe, expect, test } from 'vitest'
import { HOSTILE, HostileWorld, TRANSPORTS } from '../support/hostile-world.js'

const HOME = `/local/domain/${HOSTILE}`

/** What others make between the beginning of a transaction and its commit, so that the commit meets a quota. */
const inTheMeantime = {
  'the quota of nodes': (world: HostileWorld, step: number) => setQuota(world, 'nodes', step),
  // With its header, one permission and four names it must stay below 2048 bytes.
  'the size of a node': (world: HostileWorld, step: number) => world.dom0.mkdir(`${HOME}/${'n'.repeat(2000 + step)}`),
  'nodes that others gave it': async (world: HostileWorld, step: number) => {
    await setQuota(world, 'nodes', 12)
    for (let i = 0; i < step; i++) {
      await world.dom0.mkdir(`/gift/${i}`)
      await world.dom0.setPerms(`/gift/${i}`, [`n${HOSTILE}`])
    }
  },
  'a node that changes': (world: HostileWorld, step: number) =>
    world.dom0.write(`${HOME}/${['a', 'b', 'c', 'd', 'other'][step % 5]}`, 'changed'),
  'a node that goes': (world: HostileWorld, step: number) => world.dom0.rm(`${HOME}/${['a', 'b/c', 'd'][step % 3]}`),
}

const setQuota = async ({ dom0 }: HostileWorld, name: string, value: number): Promise<void> => {
  await dom0.ask(XenStoreOp.SetQuota, packStrings(String(HOSTILE), name, String(value)))
}

/** Everything below the hostile domain's directory. */
const dump = async ({ dom0 }: HostileWorld, path = HOME): Promise<string[]> => {
  const names = (await dom0.directory(path)).split('|').filter((name) => name !== '')
  const below = []
  for (const name of names) below.push(...(await dump({ dom0 } as HostileWorld, `${path}/${name}`)))
  return [`${path}=${await dom0.read(path)} ${await dom0.getPerms(path)}`, ...below]
}

/** Creates, writes, removes, removes what it created, and gives rights. */
const everything = async ({ hostile }: HostileWorld): Promise<number> => {
  const id = await hostile.start()
  await hostile.write('a', 'new', id)
  await hostile.write('e/f/g', 'deep', id)
  await hostile.rm('b', id)
  await hostile.write('b/c', 'again', id)
  await hostile.mkdir('h', id)
  await hostile.rm('h', id)
  await hostile.setPerms('d', [`b${HOSTILE}`, 'r0'], id)
  return id
}

const prepared = async (transport: (typeof TRANSPORTS)[number]): Promise<HostileWorld> => {
  const world = await HostileWorld.open(transport)
  for (const path of ['a', 'b/c', 'd']) await world.hostile.write(path, 'old')
  return world
}

describe.each(TRANSPORTS)('S5, by %s', (transport) => {
  test.each(Object.entries(inTheMeantime))('a commit that meets %s is done whole or not at all', async (_, meet) => {
    const outcomes = new Set<string>()
    for (let step = 1; step <= 14; step++) {
      const world = await prepared(transport)
      const id = await everything(world)
      await meet(world, step)
      const before = await dump(world)
      const reply = await world.hostile.end(id)
      outcomes.add(reply)
      const after = await dump(world)
      if (reply === 'OK') expect(after.join()).toContain('e/f/g=deep')
      else expect(after).toEqual(before)
      await setQuota(world, 'nodes', 1000)
      await setQuota(world, 'node-size', 2048)
      await world.expectSound()
    }
    expect([...outcomes].some((reply) => reply.startsWith('!'))).toBe(true)
  })

  test('created and removed in one transaction: no node, no count, no event', async () => {
    const world = await prepared(transport)
    const before = [await world.used('nodes'), await world.used('memory')]
    await world.dom0.watch(HOME, 't')
    await world.dom0.events()
    const id = await world.hostile.start()
    for (let i = 0; i < 100; i++) {
      await world.hostile.write(`x/${i}/y`, 'v', id)
      await world.hostile.rm(`x/${i}`, id)
    }
    await world.hostile.rm('x', id)
    expect(await world.hostile.end(id)).toBe('OK')
    expect(await world.dom0.events()).toEqual([])
    expect([await world.used('nodes'), await world.used('memory')]).toEqual(before)
    await world.expectSound()
  })

  test('RESET_WATCHES inside ends it: nothing is done, and its id names nothing', async () => {
    const world = await prepared(transport)
    const before = await dump(world)
    const id = await everything(world)
    expect(await world.hostile.ask(XenStoreOp.ResetWatches, packStrings(''), id)).toBe('OK')
    expect(await world.hostile.end(id)).toBe('!ENOENT')
    expect(await dump(world)).toEqual(before)
    expect(await world.used('transactions')).toBe(0)
    await world.expectSound()
  })

  test('its domain dies with everything open: nothing of it is done', async () => {
    const world = await prepared(transport)
    await everything(world)
    world.store.server.release(HOSTILE as Domid)
    expect(await world.dom0.read(`${HOME}/e/f/g`)).toBe('!ENOENT')
    await world.expectSound()
  })

  test('the same transaction twice: the second one sees the first and is refused', async () => {
    const world = await prepared(transport)
    const [first, second] = [await everything(world), await everything(world)]
    expect(await world.hostile.end(first)).toBe('OK')
    const done = await dump(world)
    expect(await world.hostile.end(second)).toBe('!EAGAIN')
    expect(await dump(world)).toEqual(done)
    await world.expectSound()
  })
})
