import { describe, expect, test } from 'vitest'
import type { MemoryLevel } from '../src/quotas/memory-alarm.js'
import type { QuotaValues } from '../src/quotas/quota-values.js'
import { DOM, StoreWorld } from './support/store-world.js'

/** Domain 1 owns /g. */
const world = async (quotas: Partial<QuotaValues>) => {
  const store = new StoreWorld({ quotas })
  const levels: MemoryLevel[] = []
  store.server.on('memory', (domid, level) => {
    expect(domid).toBe(DOM(1))
    levels.push(level)
  })
  const dom0 = store.connect()
  await dom0.mkdir('/g')
  await dom0.setPerms('/g', ['n1'])
  return { store, levels, dom0, guest: store.connect(1) }
}

/** A node’s header, one permission, and its path. */
const OVERHEAD = 24 + 8

describe('rule 52: memory', () => {
  test('a node takes its path, header, permissions, value and its children’s names; what would reach the quota is ENOMEM', async () => {
    const own = '/g'.length + OVERHEAD
    const { guest } = await world({ memory: own + 'v'.length + 1 + '/g/v'.length + OVERHEAD + 2 + 10 })
    expect(await guest.write('/g/v', 'v'.repeat(12))).toBe('!ENOMEM')
    expect(await guest.write('/g/v', 'v'.repeat(11))).toBe('OK')
    expect(await guest.write('/g/v', 'v'.repeat(12))).toBe('!ENOMEM')
    expect(await guest.read('/g/v')).toBe('v'.repeat(11))
    expect(await guest.setPerms('/g/v', ['n1', 'r0'])).toBe('!ENOMEM')
    expect(await guest.write('/g/v', 'v')).toBe('OK')
    expect(await guest.setPerms('/g/v', ['n1', 'r0'])).toBe('OK')
    expect(await guest.rm('/g/v')).toBe('OK')
    expect(await guest.write('/g/w', 'v'.repeat(11))).toBe('OK')
  })

  test('whoever makes it grow, a node is its owner’s memory; the privileged are refused nothing', async () => {
    const { dom0, guest, store } = await world({ memory: 250 })
    await dom0.setPerms('/g', ['n1', 'b2'])
    await guest.mkdir('/g/v')
    await guest.setPerms('/g/v', ['b1'])
    expect(await store.connect(2).write('/g/v', 'v'.repeat(200))).toBe('!ENOMEM')
    expect(await dom0.write('/g/v', 'v'.repeat(200))).toBe('OK')
    expect(await store.connect(2).mkdir('/g/of-2')).toBe('!ENOMEM')
    expect(await guest.write('/g/v', '')).toBe('OK')
    expect(await store.connect(2).mkdir('/g/of-2')).toBe('OK')
  })

  test('a watch takes its path and token, until it ends', async () => {
    const { guest } = await world({ memory: 300 })
    expect(await guest.watch('/g', 't'.repeat(300))).toBe('!ENOMEM')
    expect(await guest.watch('/g', 't'.repeat(150))).toBe('OK')
    await guest.events()
    expect(await guest.watch('/g', 'u'.repeat(150))).toBe('!ENOMEM')
    await guest.unwatch('/g', 't'.repeat(150))
    expect(await guest.watch('/g', 'u'.repeat(150))).toBe('OK')
  })

  test('a transaction takes what it touches, until it ends either way', async () => {
    const { guest } = await world({ memory: 400 })
    const id = await guest.start()
    expect(await guest.write('/g/v', 'v'.repeat(300), id)).toBe('!ENOMEM')
    expect(await guest.write('/g/v', 'v'.repeat(150), id)).toBe('OK')
    expect(await guest.write('/g/w', 'v'.repeat(150))).toBe('!ENOMEM')
    await guest.end(id, false)
    expect(await guest.write('/g/w', 'v'.repeat(150))).toBe('OK')
    await guest.rm('/g/w')
    const next = await guest.start()
    expect(await guest.write('/g/v', 'v'.repeat(150), next)).toBe('OK')
    expect(await guest.end(next)).toBe('OK')
    expect(await guest.write('/g/v', 'v'.repeat(200))).toBe('OK')
  })

  test('0 is no quota', async () => {
    const { guest } = await world({ memory: 0, 'node-size': 0, watches: 0, 'node-permissions': 0, 'path-max': 0 })
    expect(await guest.write('/g/v', 'v'.repeat(4000))).toBe('OK')
    for (let i = 0; i < 200; i++) expect(await guest.watch('/g', String(i))).toBe('OK')
    expect(await guest.setPerms('/g', ['n1', 'r2', 'r3', 'r4', 'r5', 'r6'])).toBe('OK')
    expect(await guest.read(`/${'p'.repeat(3000)}`)).toBe('!EACCES')
  })

  test('a domain that crosses its quotas is told of, however often it does', async () => {
    const { store, guest, levels } = await world({ memory: 1000, 'soft-memory': 300 })
    for (let i = 0; i < 20; i++) {
      await guest.write('/g/v', 'v'.repeat(500))
      await guest.write('/g/v', 'v'.repeat(1500))
      await guest.write('/g/v', '')
    }
    expect(levels).toEqual(['above-soft', 'above-hard'])
    store.clock.advance(10_000)
    await guest.write('/g/v', '')
    expect(levels.splice(0, 2)).toHaveLength(2)
    expect(levels).toEqual(['below-hard', 'below-soft'])
  })
})
