import { packStringAndRest, XenStoreOp } from '@split-driver/xenbus'
import { DEFAULT_QUOTAS } from '@split-driver/xenstored'
import { describe, expect, test } from 'vitest'
import { HOSTILE, HostileWorld, TRANSPORTS } from '../support/hostile-world.js'

const HOME = `/local/domain/${HOSTILE}`

/** A million are tried by `npm run rel -- xenstore-stalled-reader`. */
const WRITES = 20_000

describe.each(TRANSPORTS)('S8, by %s', (transport) => {
  test('writes to one node under the eyes of one who does not look: one event waits, however many there were', async () => {
    const world = await HostileWorld.open(transport)
    await world.hostile.watch('x', 't')
    await world.hostile.events()
    world.hostile.stall()
    for (let i = 0; i < WRITES; i++) await world.dom0.write(`${HOME}/x`, `${i}`)
    const events = await eventsAfter(world)
    // What the channel itself held when it was full comes as well.
    expect(events.length).toBeLessThan(100)
    expect(new Set(events)).toEqual(new Set(['x t']))
    expect(await world.hostile.read('x')).toBe(`${WRITES - 1}`)
    await world.expectSound()
  })

  test('writes to ever other nodes: the queue has an end, and then says where to look', async () => {
    const limits = { undeliveredEventBytes: 4096 }
    const world = await HostileWorld.open(transport, { limits })
    await world.hostile.mkdir('x')
    await world.hostile.watch('x', 't')
    await world.hostile.events()
    world.hostile.stall()
    for (let i = 0; i < 2000; i++) await world.dom0.write(`${HOME}/x/${i}`, 'v')
    expect(await world.used('memory')).toBeLessThan(DEFAULT_QUOTAS.memory)
    const events = await eventsAfter(world)
    expect(events.length).toBeLessThan(400)
    expect(events).toContain('x t')
    await world.expectSound()
  })

  test('its own writes: it waits for itself, and nobody else does', async () => {
    const world = await HostileWorld.open(transport)
    await world.hostile.watch('x', 't')
    world.hostile.stall()
    for (let i = 0; i < 2000; i++) world.hostile.post(XenStoreOp.Write, packStringAndRest('x', `${i}`))
    for (let i = 0; i < 200; i++) expect(await world.dom0.write('/y', `${i}`)).toBe('OK')
    expect(await world.used('outstanding')).toBeLessThanOrEqual(DEFAULT_QUOTAS.outstanding)
    await world.expectSound()
  })
})

const eventsAfter = async ({ hostile }: HostileWorld): Promise<string[]> => {
  hostile.resume()
  const events = []
  for (let round = 0; round < 50; round++) events.push(...(await hostile.events()))
  return events
}
