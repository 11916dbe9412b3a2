import { settle } from '@split-driver/conformance'
import { packStringAndRest, packStrings, XenStoreOp } from '@split-driver/xenbus'
import { DEFAULT_QUOTAS } from '@split-driver/xenstored'
import { describe, expect, test } from 'vitest'
import { HOSTILE, HostileWorld, TRANSPORTS } from '../support/hostile-world.js'

/** What one message more may take above the quota: it is known only when it is there. */
const ONE_MESSAGE = 4096 + 16

describe.each(TRANSPORTS)('S4, by %s', (transport) => {
  test('who never reads is not read from; what is kept for it stays below a fixed number of bytes', async () => {
    const world = await HostileWorld.open(transport)
    await world.hostile.write('big', 'v'.repeat(1900))
    for (let i = 0; i < 100; i++) await world.hostile.watch(i % 2 ? '/' : 'big', `token ${i}`)
    world.hostile.stall()
    for (let i = 0; i < 1000; i++) world.hostile.post(XenStoreOp.Read, packStrings('big'))
    const seen: number[] = []
    for (let i = 0; i < 3000; i++) {
      await world.dom0.write(`/local/domain/${HOSTILE}/big/${i % 100}`, 'x')
      if (i % 100 === 0) seen.push(await world.used('memory'))
    }
    expect(await world.used('outstanding')).toBeLessThanOrEqual(DEFAULT_QUOTAS.outstanding)
    expect(Math.max(...seen)).toBeLessThan(DEFAULT_QUOTAS.memory + ONE_MESSAGE)
    // It grows no more once it is full.
    expect(seen.at(-1)).toBe(seen.at(-10))
    await world.expectSound()
    world.hostile.resume()
    await settle(100_000)
    expect(world.hostile.messages.filter(({ type }) => type === XenStoreOp.Read)).toHaveLength(1000)
    await world.expectSound()
  })

  test('RESET_WATCHES and watches again, two thousand times: as many are left as it asked for last', async () => {
    const world = await HostileWorld.open(transport)
    const before = await world.used('memory')
    for (let i = 0; i < 2000; i++) {
      for (let j = 0; j < 4; j++) world.hostile.post(XenStoreOp.Watch, packStrings('x', `${i} ${j}`))
      world.hostile.post(XenStoreOp.ResetWatches, packStrings(''))
    }
    expect(await world.hostile.watch('x', 'last')).toBe('OK')
    await world.hostile.events()
    expect(await world.used('watches')).toBe(1)
    expect(await world.used('memory')).toBeLessThan(before + 100)
    await world.expectSound()
  })

  test('ten transactions filled with all they can hold stay below the quota, and give all back', async () => {
    const world = await HostileWorld.open(transport)
    const before = await world.used('memory')
    const ids: number[] = []
    for (let i = 0; i < DEFAULT_QUOTAS.transactions; i++) ids.push(await world.hostile.start())
    expect(await world.hostile.start()).toBeNaN()
    const replies = new Set<string>()
    for (const id of ids)
      for (let i = 0; i < 300; i++) replies.add(await world.hostile.write(`${i}`, 'v'.repeat(1900), id))
    expect([...replies].sort()).toEqual(['!ENOMEM', 'OK'])
    expect(await world.used('memory')).toBeLessThan(DEFAULT_QUOTAS.memory + ONE_MESSAGE)
    await world.hostile.ask(XenStoreOp.ResetWatches, packStrings(''))
    expect(await world.used('memory')).toBe(before)
    expect(await world.used('transactions')).toBe(0)
    await world.expectSound()
  })

  test('transactions that never end do not keep what others write alive for ever: they end in EAGAIN', async () => {
    const world = await HostileWorld.open(transport, { limits: { transactionDriftBytes: 100_000 } })
    const id = await world.hostile.start()
    expect(await world.hostile.write('x', 'x', id)).toBe('OK')
    for (let i = 0; i < 200; i++) await world.dom0.write(`/other/${i}`, 'v'.repeat(1000))
    expect(await world.hostile.end(id)).toBe('!EAGAIN')
    await world.expectSound()
  })

  test('who goes away in the middle of everything leaves nothing', async () => {
    const world = await HostileWorld.open('channel')
    const before = await world.used('memory')
    for (let i = 0; i < 50; i++) await world.hostile.watch('x', `${i}`)
    await world.hostile.write('y', 'x', await world.hostile.start())
    world.hostile.stall()
    for (let i = 0; i < 100; i++) world.hostile.post(XenStoreOp.Write, packStringAndRest('x', 'v'))
    world.hostile.channel.close()
    await settle(2000)
    expect(await Promise.all(['watches', 'transactions', 'outstanding'].map((name) => world.used(name)))).toEqual([
      0, 0, 0,
    ])
    expect(await world.used('memory')).toBeLessThan(before + 100)
    await world.expectSound()
  })
})
