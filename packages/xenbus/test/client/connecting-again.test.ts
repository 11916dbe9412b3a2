import { XenError } from '@split-driver/abi'
import { channelPair, RECONNECT_BACK_OFF, XenStoreClient } from '@split-driver/xenbus'
import { describe, expect, it } from 'vitest'
import { settle } from '../settle.js'
import { Succession } from './succession.js'

const echo: Succession['answer'] = (request, server) => server.reply(request, 'value')

describe('connecting again', () => {
  it('is tried after waits that grow from 10 ms to 2 s', async () => {
    const world = await Succession.open()
    world.refusals.push(...Array.from({ length: 12 }, () => new Error('nobody there')))
    await world.cut()
    for (let i = 0; i < 13; i++) await world.retry()
    expect(world.client.connected).toBe(true)
    const { firstMs, mostMs } = RECONNECT_BACK_OFF
    expect(world.clock.waits).toEqual(Array.from({ length: 13 }, (_, i) => Math.min(firstMs * 2 ** i, mostMs)))
    expect(world.clock.timers).toBe(0)
  })

  it('is spread by chance, below those waits', async () => {
    const chances = [0.5, 0.25, 0]
    const world = await Succession.open({ random: () => chances.shift() ?? 0 })
    world.refusals.push(new Error('no'), new Error('no'))
    await world.cut()
    for (let i = 0; i < 3; i++) await world.retry()
    expect(world.clock.waits).toEqual([5, 5, 0])
  })

  it('S9: a server that takes connections and says nothing is come to ever more slowly', async () => {
    const world = await Succession.open()
    for (let i = 0; i < 4; i++) {
      await world.cut()
      await world.retry()
    }
    expect(world.clock.waits).toEqual([10, 20, 40, 80])
    world.answer = echo
    await world.client.read('a')
    await world.cut()
    expect(world.clock.waits.at(-1)).toBe(10)
  })

  it('ends when the client is closed: nobody is asked any more, and all that waits is CLOSED', async () => {
    const world = await Succession.open()
    await world.cut()
    const waiting = world.client.read('a')
    world.client.close()
    await expect(waiting).rejects.toMatchObject({ code: 'CLOSED', detail: { operation: 'read', path: 'a' } })
    await world.retry()
    expect(world.attempts).toBe(1)
    expect(world.clock.timers).toBe(0)
    await expect(world.client.read('a')).rejects.toMatchObject({ code: 'CLOSED' })
  })

  it('a connection that comes after the client was closed is closed', async () => {
    let give: (channel: ReturnType<typeof channelPair>[0]) => void = () => undefined
    const [near, far] = channelPair()
    const world = new Succession()
    const client = new XenStoreClient(near, {
      clock: world.clock,
      reconnect: (signal) => {
        expect(signal.aborted).toBe(false)
        return new Promise((resolve) => {
          give = resolve
        })
      },
    })
    far.close()
    await settle()
    await world.retry()
    client.close()
    const [late] = channelPair()
    give(late)
    await settle()
    expect(late.closed).toBe(true)
  })

  it('ends the client where there will never be another connection', async () => {
    const world = await Succession.open()
    world.refusals.push(new XenError('CLOSED', 'never'))
    const told: string[] = []
    for (const event of ['lost', 'reconnected', 'closed'] as const) world.client.on(event, () => told.push(event))
    const waiting = world.client.read('a')
    await settle()
    await Promise.all([
      expect(waiting).rejects.toMatchObject({ code: 'CLOSED' }),
      world.cut().then(() => world.retry()),
    ])
    expect(world.client.closed).toBe(true)
    expect(told).toEqual(['lost', 'closed'])
  })

  it('tells its owner: lost, reconnected, and closed once', async () => {
    const world = await Succession.open()
    const told: string[] = []
    for (const event of ['lost', 'reconnected', 'closed'] as const) world.client.on(event, () => told.push(event))
    await world.cut()
    expect(told).toEqual(['lost'])
    await world.retry()
    expect(told).toEqual(['lost', 'reconnected'])
    world.client.close()
    world.client.close()
    expect(told).toEqual(['lost', 'reconnected', 'closed'])
  })

  it('the first connection is the caller’s to worry about', async () => {
    const refused = new Error('nobody there')
    const opening = XenStoreClient.open(() => Promise.reject(refused), { clock: new Succession().clock })
    await expect(opening).rejects.toBe(refused)
    const [near] = channelPair()
    expect(() => new XenStoreClient(near, { reconnect: async () => near })).toThrow(TypeError)
  })
})
