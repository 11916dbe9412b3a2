import type { Platform } from '@split-driver/platform'
import type { XenStoreOperations } from '@split-driver/xenbus'
import { assert, assertEqual } from './assert.js'
import type { SuiteCase } from './suite.js'
import { within } from './wait.js'
import { WatchProbe } from './watch-probe.js'

const BASE = '/conformance'

/**
 * Runs a transaction that sees what `look` reads, while somebody else writes what `meanwhile` does before its commit.
 * @returns how often its body ran: twice if the two conflicted
 */
const runsAgainst = async (
  { xenstore }: Platform,
  look: (transaction: XenStoreOperations) => Promise<unknown>,
  meanwhile: () => Promise<void>,
): Promise<number> => {
  let runs = 0
  await xenstore.transaction(async (transaction) => {
    runs++
    await look(transaction)
    if (runs === 1) await meanwhile()
    await transaction.write(`${BASE}/result`, String(runs))
  })
  return runs
}

const increments = async ({ xenstore }: Platform, path: string, times: number): Promise<void> => {
  for (let i = 0; i < times; i++)
    await xenstore.transaction(async (transaction) => {
      const value = Number(await transaction.read(path))
      await transaction.write(path, String(value + 1))
    })
}

/** Transactions: rules 47 and 48. */
export const transactionCases: SuiteCase[] = [
  {
    name: 'a transaction sees its own writes, nobody else does before its commit, and everybody after it',
    run: async (world) => {
      const { dom0 } = world
      const guest = (await world.createGuest()).platform
      const path = `/local/domain/${guest.domid}/data/t`
      await dom0.xenstore.transaction(async (transaction) => {
        await transaction.write(path, 'new')
        assertEqual(await transaction.read(path), 'new', 'inside')
        assertEqual(await dom0.xenstore.tryRead(path), undefined, 'outside, in the same domain')
        assertEqual(await guest.xenstore.tryRead('data/t'), undefined, 'outside, in another domain')
      })
      assertEqual(await guest.xenstore.read('data/t'), 'new', 'after the commit')
      await dom0.xenstore.rm(path)
    },
  },
  {
    name: 'a body that throws leaves nothing behind, and its error comes out',
    run: async ({ dom0: { xenstore } }) => {
      const mistake = new Error('changed my mind')
      let caught: unknown
      try {
        await xenstore.transaction(async (transaction) => {
          await transaction.write(`${BASE}/gone`, '1')
          throw mistake
        })
      } catch (error) {
        caught = error
      }
      assertEqual(caught, mistake, 'the error')
      assertEqual(await xenstore.tryRead(`${BASE}/gone`), undefined, 'what was written')
    },
  },
  {
    name: 'rule 47: events of a transaction come on its commit, and none if it is given up',
    run: async ({ dom0 }) => {
      const { xenstore } = dom0
      await using watch = await WatchProbe.open(dom0, BASE)
      await xenstore.transaction(async (transaction) => {
        await transaction.write(`${BASE}/a`, '1')
        await transaction.write(`${BASE}/b`, '1')
        await watch.expect([], 'before the commit')
      })
      await watch.expect([`${BASE}/a`, `${BASE}/b`], 'after the commit')
      await xenstore
        .transaction(async (transaction) => {
          await transaction.write(`${BASE}/c`, '1')
          throw new Error('given up')
        })
        .catch(() => {})
      await watch.expect([], 'after giving up')
      await xenstore.rm(BASE)
    },
  },
  {
    name: 'rule 48: what a transaction read, a missing node and a listing too, must not have changed: it runs again',
    differs: { oxenstored: 'transaction-conflict' },
    run: async (world) => {
      const { dom0 } = world
      const { xenstore } = dom0
      await xenstore.write(`${BASE}/value`, '1')
      await xenstore.write(`${BASE}/list/a`, '')
      const write = (path: string, value: string) => () => xenstore.write(`${BASE}/${path}`, value)
      const conflicts = {
        'a value': await runsAgainst(dom0, (t) => t.read(`${BASE}/value`), write('value', '2')),
        'a missing node': await runsAgainst(dom0, (t) => t.tryRead(`${BASE}/missing`), write('missing', '')),
        'a listing': await runsAgainst(dom0, (t) => t.directory(`${BASE}/list`), write('list/b', '')),
        'a removed node': await runsAgainst(
          dom0,
          (t) => t.tryRead(`${BASE}/list/a`),
          () => xenstore.rm(`${BASE}/list/a`),
        ),
      }
      for (const [what, runs] of Object.entries(conflicts)) assertEqual(runs, 2, `runs after a change of ${what}`)
      await xenstore.rm(BASE)
    },
  },
  {
    name: 'rule 48: transactions that touch different nodes both commit, at the first try',
    run: async (world) => {
      const { dom0 } = world
      const { xenstore } = dom0
      for (const path of ['x/value', 'y/value']) await xenstore.write(`${BASE}/${path}`, '1')
      const other = () =>
        xenstore.transaction(async (transaction) => {
          await transaction.write(`${BASE}/y/value`, await transaction.read(`${BASE}/y/value`))
        })
      assertEqual(await runsAgainst(dom0, (t) => t.read(`${BASE}/x/value`), other), 1, 'runs')
      await xenstore.rm(BASE)
    },
  },
  {
    name: 'rule 48: two domains that count in transactions lose no count',
    run: async (world, { scale }) => {
      const { dom0 } = world
      const guest = (await world.createGuest()).platform
      const path = `/local/domain/${guest.domid}/data/counter`
      const times = Math.ceil(25 * scale)
      await guest.xenstore.write('data/counter', '0')
      const both = [increments(dom0, path, times), increments(guest, path, times)]
      await within(dom0.clock, Promise.all(both), 'both to have counted', 30_000)
      assertEqual(await dom0.xenstore.read(path), String(2 * times), 'the count')
      await guest.xenstore.rm('data/counter')
    },
  },
  {
    name: 'a domain that dies in a transaction leaves nothing of it',
    run: async (world) => {
      const { dom0 } = world
      const guest = await world.createGuest()
      const path = `/local/domain/${guest.domid}/data/half`
      let written = false
      const stuck = guest.platform.xenstore.transaction(async (transaction) => {
        await transaction.write('data/half', '1')
        written = true
        await new Promise<never>(() => {})
      })
      stuck.catch(() => {})
      const started = async () => {
        while (!written) await dom0.xenstore.tryRead(path)
      }
      await within(dom0.clock, started(), 'the transaction to have written')
      await guest.destroy()
      assert((await dom0.xenstore.tryRead(path)) === undefined, 'half a transaction is visible')
    },
  },
]
