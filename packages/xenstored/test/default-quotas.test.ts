import { settle, type XenStoreWireClient } from '@split-driver/conformance'
import { packStrings, XenStoreOp } from '@split-driver/xenbus'
import { DEFAULT_QUOTAS } from '@split-driver/xenstored'
import { describe, expect, test } from 'vitest'
import { StoreWorld } from './support/store-world.js'

type QuotaName = keyof typeof DEFAULT_QUOTAS

interface QuotaWorld {
  readonly store: StoreWorld
  readonly dom0: XenStoreWireClient
  /** Domain 1, which owns `/g` and nothing else. */
  readonly guest: XenStoreWireClient
}

/** What the original has, by name. @see docs/misc/xenstore.txt; rule 52 */
const DEFAULTS: readonly [QuotaName, number][] = [
  ['nodes', 1000],
  ['watches', 128],
  ['outstanding', 20],
  ['memory', 2.5 * 1024 * 1024],
  ['soft-memory', 2 * 1024 * 1024],
  ['transactions', 10],
  ['transaction-nodes', 1024],
  ['node-permissions', 5],
  ['path-max', 2048],
  ['node-size', 2048],
]

/** Header and one permission of a node. */
const NODE_BYTES = 24 + 8

/** The OK that a WRITE is answered with is kept until it is taken. */
const REPLY_BYTES = 16 + 'OK'.length + 1

const many = async (count: number, one: (index: number) => Promise<string>): Promise<string> => {
  let last = 'OK'
  for (let i = 0; i < count; i++) last = await one(i)
  return last
}

/**
 * What uses exactly so much of each quota.
 * @returns the reply to what came last, which is the first that may be refused
 */
const USES: Partial<Record<QuotaName, (world: QuotaWorld, count: number) => Promise<string>>> = {
  // `/g` is one; directories between keep every listing small.
  nodes: ({ guest }, count) => many(count - 1, (i) => guest.mkdir(i < 10 ? `/g/${i}` : `/g/${i % 10}/${i}`)),
  watches: ({ guest }, count) => many(count, (i) => guest.watch('/g', String(i))),
  transactions: ({ guest }, count) =>
    many(count, () => guest.ask(XenStoreOp.TransactionStart, packStrings(''))).then(okUnlessError),
  'transaction-nodes': async ({ dom0, guest }, count) => {
    await dom0.setPerms('/g', ['r0'])
    const id = await guest.start()
    // The first looks at `/g` and at what is missing below it; each one more at one more.
    const reply = await many(count - 1, (i) => guest.read(`/g/${i}`, id))
    return reply === '!ENOENT' ? 'OK' : reply
  },
  'node-permissions': ({ guest }, count) => {
    const others = Array.from({ length: count - 1 }, (_, i) => `r${i + 2}`)
    return guest.setPerms('/g', ['n1', ...others])
  },
  'path-max': ({ guest }, count) => guest.read(`/g/${'p'.repeat(count - '/g/'.length)}`).then(okUnlessInvalid),
  'node-size': ({ guest }, count) => guest.write('/g', 'v'.repeat(count - NODE_BYTES)),
  memory: async ({ dom0, guest, store }, count) => {
    await dom0.ask(XenStoreOp.SetQuota, packStrings('1', 'node-size', '0'))
    await fill({ dom0, guest, store }, count)
    const left = count - (await usedMemory(dom0))
    return guest.write('/g', 'v'.repeat(left))
  },
}

const okUnlessError = (reply: string): string => (reply.startsWith('!') ? reply : 'OK')

const okUnlessInvalid = (reply: string): string => (reply === '!EINVAL' ? reply : 'OK')

const usedMemory = async (dom0: XenStoreWireClient): Promise<number> => {
  const said = await dom0.ask(XenStoreOp.Control, packStrings('quota', '1'))
  return Number(/^memory *: *([0-9]+)/m.exec(said)?.[1])
}

/** Nodes of the guest’s own, until what is left fits into one value. */
const fill = async ({ dom0, guest }: QuotaWorld, bytes: number): Promise<void> => {
  for (let i = 0, left = bytes; left > 4000; left = bytes - (await usedMemory(dom0)), i++) {
    expect(await guest.write(`/g/${i}`, 'v'.repeat(Math.min(3900, left - 100)))).toBe('OK')
  }
}

/** How each is refused, and what is refused first: one more than it says, or what reaches it. */
const REFUSALS: readonly [QuotaName, string, 'beyond' | 'reached'][] = [
  ['nodes', '!ENOSPC', 'beyond'],
  ['watches', '!E2BIG', 'beyond'],
  ['transactions', '!ENOSPC', 'beyond'],
  ['transaction-nodes', '!ENOSPC', 'beyond'],
  ['node-permissions', '!ENOSPC', 'beyond'],
  ['path-max', '!EINVAL', 'beyond'],
  ['node-size', '!ENOSPC', 'reached'],
  ['memory', '!ENOMEM', 'reached'],
]

const world = async (): Promise<QuotaWorld> => {
  const store = new StoreWorld()
  const dom0 = store.connect()
  await dom0.mkdir('/g')
  await dom0.setPerms('/g', ['n1'])
  return { store, dom0, guest: store.connect(1) }
}

describe('rule 52: the quotas that a domain begins with', () => {
  test('are the original’s', () => {
    expect(Object.entries(DEFAULT_QUOTAS).sort()).toEqual([...DEFAULTS].sort())
  })

  describe.each(REFUSALS)('%s', (name, refusal, when) => {
    const quota = DEFAULT_QUOTAS[name]
    test.each([
      ['one less', quota - 1, 'OK'],
      ['as many', quota, when === 'beyond' ? 'OK' : refusal],
      ['one more', quota + 1, refusal],
    ])('%s: %i', async (_, count, reply) => {
      expect(await USES[name]!(await world(), count)).toBe(reply)
    })
  })

  test.each([-1, 0, 1])('outstanding: %i more than 20 are asked, and 20 at most are taken up', async (more) => {
    const { store, dom0, guest } = await world()
    await dom0.write('/g', 'v'.repeat(2000))
    guest.stall()
    const asked = DEFAULT_QUOTAS.outstanding + more
    // The reply that is on its way counts no more; two thousand bytes fill the channel.
    for (let i = 0; i < asked + 2; i++) guest.post(XenStoreOp.Read, packStrings('/g'))
    await settle(2000)
    const said = await dom0.ask(XenStoreOp.Control, packStrings('quota', '1'))
    expect(Number(/^outstanding *: *([0-9]+)/m.exec(said)?.[1])).toBeLessThanOrEqual(DEFAULT_QUOTAS.outstanding)
    guest.resume()
    await settle(5000)
    expect(guest.messages).toHaveLength(asked + 2)
    store[Symbol.dispose]()
  })

  test.each([
    ['one less', -1, []],
    ['as many', 0, ['above-soft']],
    ['one more', 1, ['above-soft']],
  ])('soft-memory: %s is told of, and not refused', async (_, more, told) => {
    const all = await world()
    const levels: string[] = []
    all.store.server.on('memory', (_domid, level) => levels.push(level))
    await all.dom0.ask(XenStoreOp.SetQuota, packStrings('1', 'node-size', '0'))
    await fill(all, DEFAULT_QUOTAS['soft-memory'])
    const left = DEFAULT_QUOTAS['soft-memory'] + more - REPLY_BYTES - (await usedMemory(all.dom0))
    expect(await all.guest.write('/g', 'v'.repeat(left))).toBe('OK')
    expect(levels).toEqual(told)
  })
})
