import type { Platform } from '@split-driver/platform'
import type { CallOptions } from '@split-driver/xenbus'
import { assertEqual, assertList, assertRejects, ConformanceFailure } from './assert.js'
import type { SuiteCase } from './suite.js'
import { eventually, quiet, within } from './wait.js'

const BASE = '/conformance'

/** More children than one reply of 4096 bytes holds. */
const CHILDREN = Array.from({ length: 150 }, (_, i) => `child-${i}`.padEnd(40, '_'))

/** `call` rejects with the signal's very reason, though what it asks takes no time that could be told. */
const givenUp = async (
  call: (options: CallOptions) => Promise<unknown>,
  before: boolean,
  what: string,
): Promise<void> => {
  const control = new AbortController()
  const reason = new ConformanceFailure('given up')
  if (before) control.abort(reason)
  const outcome = call(control).then(
    () => 'an answer',
    (error: unknown) => error,
  )
  control.abort(reason)
  assertEqual(await outcome, reason, what)
}

const pathsAtDepth = async ({ xenstore, clock }: Platform, depth: number): Promise<string[]> => {
  const seen: string[] = []
  const watch = await xenstore.onChange(`${BASE}/a`, (path) => seen.push(path), { depth })
  await eventually(clock, () => seen.length > 0, 'the first event')
  for (const path of ['b/c', 'b', 'd']) await xenstore.write(`${BASE}/a/${path}`, 'x')
  await xenstore.write(`${BASE}/a`, 'x')
  await quiet(clock)
  await watch.close()
  return [...new Set(seen)].sort()
}

/** What every call can do beside asking: be given up, look less deep, try less often; and listings of any size. */
export const callCases: SuiteCase[] = [
  {
    name: 'rule 50: a listing beyond 4096 bytes is whole, in a transaction too',
    differs: { oxenstored: 'long-listing-at-the-socket' },
    run: async ({ dom0: { xenstore } }) => {
      await xenstore.transaction(async (transaction) => {
        for (const name of CHILDREN) await transaction.mkdir(`${BASE}/${name}`)
        assertList((await transaction.directory(BASE)).sort(), [...CHILDREN].sort(), 'inside')
      })
      assertList((await xenstore.directory(BASE)).sort(), [...CHILDREN].sort(), 'outside')
      await xenstore.rm(BASE)
    },
  },
  {
    name: 'S9: a request that is given up rejects with the signal’s reason, before it is asked and after',
    run: async ({ dom0: { xenstore } }) => {
      for (const before of [true, false]) {
        await givenUp((options) => xenstore.read('/', options), before, 'READ')
        await givenUp((options) => xenstore.tryRead('/', options), before, 'READ')
        await givenUp((options) => xenstore.readBytes('/', options), before, 'READ')
        await givenUp((options) => xenstore.directory('/', options), before, 'DIRECTORY')
        await givenUp((options) => xenstore.getPermissions('/', options), before, 'GET_PERMS')
        await givenUp((options) => xenstore.write(`${BASE}/given-up`, '', options), before, 'WRITE')
        await givenUp((options) => xenstore.mkdir(`${BASE}/given-up`, options), before, 'MKDIR')
        await givenUp((options) => xenstore.rm(`${BASE}/given-up`, options), before, 'RM')
      }
      assertEqual(await xenstore.tryRead(`${BASE}/none`), undefined, 'what is asked after that')
      if ((await xenstore.tryRead(BASE)) !== undefined) await xenstore.rm(BASE)
    },
  },
  {
    name: 'S9: a watch that is given up while it is registered is not there',
    run: async ({ dom0: { xenstore } }) => {
      for (const before of [true, false]) {
        await givenUp((options) => xenstore.watch(BASE, options), before, 'WATCH')
        await givenUp((options) => xenstore.onChange(BASE, () => undefined, options), before, 'WATCH')
      }
    },
  },
  {
    name: 'S9: a transaction that is given up changes nothing, and rejects what waits inside',
    run: async ({ dom0: { xenstore, clock } }) => {
      const control = new AbortController()
      const reason = new ConformanceFailure('given up')
      const whole = xenstore.transaction(async (transaction) => {
        await transaction.write(`${BASE}/given-up`, '1')
        control.abort(reason)
        await transaction.read(`${BASE}/given-up`)
      }, control)
      const outcome = await within(
        clock,
        whole.catch((error: unknown) => error),
        'the transaction',
      )
      assertEqual(outcome, reason, 'the transaction')
      assertEqual(await xenstore.tryRead(`${BASE}/given-up`), undefined, 'what was written')
    },
  },
  {
    name: 'a watch of some depth hears of its node and so many levels below',
    run: async ({ dom0 }) => {
      const { xenstore } = dom0
      await xenstore.write(`${BASE}/a/b/c`, '')
      assertList(await pathsAtDepth(dom0, 0), [`${BASE}/a`], 'depth 0')
      assertList(await pathsAtDepth(dom0, 1), [`${BASE}/a`, `${BASE}/a/b`, `${BASE}/a/d`], 'depth 1')
      await xenstore.rm(BASE)
    },
  },
  {
    name: 'rule 48: a transaction is tried as often as its caller says',
    run: async ({ dom0: { xenstore } }) => {
      let runs = 0
      const always = xenstore.transaction(
        async (transaction) => {
          runs++
          await transaction.tryRead(`${BASE}/busy`)
          await xenstore.write(`${BASE}/busy`, String(runs))
          await transaction.write(`${BASE}/mine`, '1')
        },
        { tries: 3 },
      )
      await assertRejects(always, ['EAGAIN'], 'a transaction that always conflicts')
      assertEqual(runs, 3, 'tries')
      await xenstore.rm(BASE)
    },
  },
]
