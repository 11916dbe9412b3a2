import type { Domid } from '@split-driver/abi'
import { headerOf, settle } from '@split-driver/conformance'
import { packStringAndRest, packStrings, XenStoreOp } from '@split-driver/xenbus'
import { describe, expect, test } from 'vitest'
import { HOSTILE, HostileWorld, TRANSPORTS } from '../support/hostile-world.js'

const HOME = `/local/domain/${HOSTILE}`

const release = ({ dom0 }: HostileWorld): Promise<string> => dom0.ask(XenStoreOp.Release, packStrings(String(HOSTILE)))

/** The control domain listens for who goes, and for how often. */
const listening = async (transport: (typeof TRANSPORTS)[number]) => {
  const world = await HostileWorld.open(transport)
  const told: Domid[] = []
  world.store.server.on('released', (domid) => told.push(domid))
  await world.dom0.watch('@releaseDomain', 't')
  await world.dom0.events()
  return { world, told }
}

describe.each(TRANSPORTS)('S7, by %s', (transport) => {
  test('who breaks the protocol is not released: that is for its death, and happens once', async () => {
    const { world, told } = await listening(transport)
    await world.hostile.write('kept', 'x')
    world.hostile.postRaw(headerOf(XenStoreOp.Read, 2 ** 31))
    await settle(200)
    expect([told, await world.dom0.events()]).toEqual([[], []])
    expect(await world.dom0.read(`${HOME}/kept`)).toBe('x')
    expect(await release(world)).toBe('OK')
    expect([told, await world.dom0.events()]).toEqual([[HOSTILE], ['@releaseDomain t']])
    expect(await world.dom0.read(`${HOME}/kept`)).toBe('!ENOENT')
    expect(await release(world)).toBe('!ENOENT')
    expect([told, await world.dom0.events()]).toEqual([[HOSTILE], []])
    await world.expectSound()
  })

  test('RELEASE in the midst of its requests: what is not answered yet is not done, and no turn comes for it', async () => {
    const { world, told } = await listening(transport)
    for (let i = 0; i < 500; i++) world.hostile.post(XenStoreOp.Write, packStringAndRest('x', `${i}`))
    expect(await release(world)).toBe('OK')
    await settle(5000)
    expect(told).toEqual([HOSTILE])
    expect(await world.dom0.directory('/local/domain')).not.toContain(String(HOSTILE))
    expect(await world.dom0.events()).toEqual(['@releaseDomain t'])
    await world.expectSound()
  })

  test('RELEASE while it is told of something: events for a client that has gone reach nobody', async () => {
    const { world } = await listening(transport)
    for (let i = 0; i < 100; i++) await world.hostile.watch('', `${i}`).then(() => world.hostile.watch('x', `${i}`))
    world.hostile.stall()
    for (let i = 0; i < 50; i++) world.dom0.post(XenStoreOp.Write, packStringAndRest(`${HOME}/x`, `${i}`))
    world.dom0.post(XenStoreOp.Release, packStrings(String(HOSTILE)))
    for (let i = 0; i < 50; i++) world.dom0.post(XenStoreOp.Write, packStringAndRest('/y', `${i}`))
    await settle(5000)
    expect(await world.dom0.events()).toEqual(['@releaseDomain t'])
    await world.expectSound()
  })

  test('whoever releases by what it is told of a release: each of both is released once', async () => {
    const { world, told } = await listening(transport)
    world.store.server.on('released', (domid) => {
      if (domid === HOSTILE) world.store.server.release(7 as Domid)
    })
    await world.store.introduce(7)
    await world.dom0.events()
    expect(await release(world)).toBe('OK')
    expect(told).toEqual([HOSTILE, 7])
    expect((await world.dom0.events()).filter((event) => event.startsWith('@release'))).toHaveLength(2)
    await world.expectSound()
  })

  test('broken, introduced again, broken, released: one mapping and one port at a time, and none at the end', async () => {
    const { world, told } = await listening('ring')
    const before = world.store.platform.ledger().length
    let client = world.hostile
    for (let i = 0; i < 20; i++) {
      client.postRaw(headerOf(XenStoreOp.Read, 5000))
      await settle(100)
      client = await world.store.introduce(HOSTILE)
      expect(world.store.platform.ledger()).toHaveLength(before)
    }
    expect(await client.write('x', 'y')).toBe('OK')
    await release(world)
    expect(told).toEqual([HOSTILE])
    expect(world.store.platform.ledger()).toHaveLength(before - 2)
    await world.expectSound()
  })
})
