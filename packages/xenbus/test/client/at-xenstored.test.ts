import type { Domid } from '@split-driver/abi'
import { type ByteChannel, channelPair, XenStoreClient } from '@split-driver/xenbus'
import { XenstoreServer } from '@split-driver/xenstored'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { settle } from '../settle.js'
import { ManualClock } from './manual-clock.js'

const dom0 = 0 as Domid

/** The real daemon, and as many connections to it as are asked for. */
const world = () => {
  const nothing = { events: {}, mapper: {} } as ConstructorParameters<typeof XenstoreServer>[0]
  const server = new XenstoreServer(nothing)
  const far: ByteChannel[] = []
  const connect = async (): Promise<ByteChannel> => {
    const [theirs, ours] = channelPair(200)
    server.accept(theirs, { domid: dom0, privileged: true })
    far.push(theirs)
    return ours
  }
  return { server, connect, far }
}

it('S9: calls that are given up at any moment leave no watch and no transaction at the daemon', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom('watch', 'transaction', 'read', 'tick'), { minLength: 1, maxLength: 12 }),
      fc.nat(20),
      async (steps, abortAfter) => {
        const { server, connect } = world()
        const client = new XenStoreClient(await connect())
        const control = new AbortController()
        const watches: Promise<unknown>[] = []
        for (const [i, step] of steps.entries()) {
          if (step === 'watch') {
            const opening = client.watch(`/w${i}`, control)
            watches.push(
              opening.then(
                (watch) => watch.close(),
                () => undefined,
              ),
            )
          } else if (step === 'transaction') {
            const body = (t: Pick<XenStoreClient, 'write' | 'tryRead'>) =>
              t.write(`/t${i}`, '').then(() => t.tryRead('/'))
            client.transaction(body, control).catch(() => undefined)
          } else if (step === 'read') client.tryRead('/a', control).catch(() => undefined)
          else await undefined
        }
        for (let tick = 0; tick < abortAfter; tick++) await undefined
        control.abort(new Error('mine'))
        await Promise.all(watches)
        await settle()
        expect(server.holdings()).toEqual([])
        expect(client.outstanding).toBe(0)
        expect(await client.directory('/')).toContain('tool')
        client.close()
      },
    ),
    { numRuns: 200 },
  )
})

it('after a reconnect a watch is there once, and tells what changed while there was no connection', async () => {
  const { server, connect, far } = world()
  const clock = new ManualClock()
  const client = await XenStoreClient.open(connect, { clock })
  const other = new XenStoreClient(await connect())
  const watch = await client.watch('/a')
  const seen: string[] = []
  void (async () => {
    for await (const path of watch) seen.push(`${path} ${await client.tryRead('/a')}`)
  })()
  await settle()
  far[0]!.close()
  await settle()
  expect(server.holdings()).toEqual([])
  await other.write('/a', 'changed')
  clock.pass(1000)
  await settle()
  expect(server.holdings()).toEqual([{ domid: dom0, watches: 1, transactions: 0 }])
  expect(seen).toEqual(['/a undefined', '/a changed'])
  await other.write('/a/b', '')
  await settle()
  expect(seen.at(-1)).toBe('/a/b changed')
  await watch.close()
  expect(server.holdings()).toEqual([])
})

it('rule 50: a listing of 20 replies’ size is read whole, also in a transaction', async () => {
  const { connect } = world()
  const client = new XenStoreClient(await connect())
  const names = Array.from({ length: 2000 }, (_, i) => `child-${i}`.padEnd(40, '_'))
  await client.transaction((t) => Promise.all(names.map((name) => t.mkdir(`/big/${name}`))))
  expect((await client.directory('/big')).sort()).toEqual([...names].sort())
  expect((await client.transaction((t) => t.directory('/big'))).length).toBe(names.length)
})

it('rule 51: special paths have permissions as nodes have', async () => {
  const { connect } = world()
  const client = new XenStoreClient(await connect())
  const permissions = [
    { domid: dom0, kind: 'none' },
    { domid: 5 as Domid, kind: 'read' },
  ] as const
  for (const path of ['@releaseDomain', '@introduceDomain']) {
    await client.setPermissions(path, permissions)
    expect(await client.getPermissions(path)).toEqual(permissions)
  }
})
