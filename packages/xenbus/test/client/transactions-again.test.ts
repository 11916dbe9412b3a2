import type { Domid } from '@split-driver/abi'
import { XenStoreOp, type XenStoreOperations } from '@split-driver/xenbus'
import { describe, expect, it } from 'vitest'
import { settle } from '../settle.js'
import { Succession } from './succession.js'

describe('a transaction whose connection ends', () => {
  const serve: Succession['answer'] = (request, server) =>
    server.reply(request, request.type === XenStoreOp.TransactionStart ? `${server.requests.length + 40}\0` : 'x')

  it('runs again from its start on the next one, and nothing of it is asked there before', async () => {
    const world = await Succession.open()
    world.answer = serve
    let runs = 0
    let cut: Promise<void> | undefined
    const result = world.client.transaction(async (transaction) => {
      runs++
      await transaction.write('a', String(runs))
      if (runs === 1) cut = world.cut()
      await transaction.write('b', String(runs))
      return runs
    })
    await settle()
    await cut
    await world.retry()
    await world.retry()
    expect(await result).toBe(2)
    expect(world.server.requests.map(({ type, txId }) => [type, txId])).toEqual([
      [XenStoreOp.TransactionStart, 0],
      [XenStoreOp.Write, 41],
      [XenStoreOp.Write, 41],
      [XenStoreOp.TransactionEnd, 41],
    ])
  })

  it('runs again though its body saw nothing of it, for it cannot commit', async () => {
    const world = await Succession.open()
    world.answer = serve
    let runs = 0
    const result = world.client.transaction(async () => {
      if (++runs > 1) return
      await world.cut()
      await world.retry()
    })
    let done = false
    const finished = result.finally(() => {
      done = true
    })
    while (!done) await world.retry()
    await finished
    expect(runs).toBe(2)
    expect(world.servers.map(({ requests }) => requests.map(({ type }) => type))).toEqual([
      [XenStoreOp.TransactionStart],
      [XenStoreOp.TransactionStart, XenStoreOp.TransactionEnd],
    ])
  })

  /** Answers all but a commit. */
  const serveButCommits: Succession['answer'] = (request, server) => {
    if (request.type !== XenStoreOp.TransactionEnd) serve(request, server)
  }

  it.each<[string, (transaction: XenStoreOperations) => Promise<void>]>([
    ['write', (transaction) => transaction.write('a', '1')],
    ['mkdir', (transaction) => transaction.mkdir('a')],
    ['rm', (transaction) => transaction.rm('a')],
    ['setPermissions', (transaction) => transaction.setPermissions('a', [{ domid: 0 as Domid, kind: 'none' }])],
  ])('after %s, with its commit under way, is CLOSED: it may have taken effect', async (_, change) => {
    const world = await Succession.open()
    world.answer = serveButCommits
    let runs = 0
    const result = world.client.transaction(async (transaction) => {
      runs++
      await transaction.read('a')
      await change(transaction)
      await transaction.read('a')
    })
    await settle()
    expect(world.server.requests.at(-1)?.type).toBe(XenStoreOp.TransactionEnd)
    await Promise.all([expect(result).rejects.toMatchObject({ code: 'CLOSED' }), world.cut()])
    await world.retry()
    expect([runs, world.server.requests.length]).toEqual([1, 0])
  })

  it('that only read, with its commit under way, runs again: what it saw may not have been of one moment', async () => {
    const world = await Succession.open()
    world.answer = serveButCommits
    let runs = 0
    const result = world.client.transaction(async (transaction) => {
      const seen = [await transaction.read('a'), await transaction.tryRead('b')]
      // What is answered makes no sense for these; they are asked.
      await Promise.allSettled([transaction.directory('c'), transaction.getPermissions('d')])
      return [++runs, ...seen]
    })
    await settle()
    world.answer = serve
    await world.cut()
    await world.retry()
    await world.retry()
    expect(await result).toEqual([2, 'x', 'x'])
    expect(world.servers.map(({ requests }) => requests.at(-1)?.type)).toEqual([
      XenStoreOp.TransactionEnd,
      XenStoreOp.TransactionEnd,
    ])
  })

  it('that only read, of a client that is closed with its commit under way, is CLOSED', async () => {
    const world = await Succession.open()
    world.answer = serveButCommits
    const result = world.client.transaction((transaction) => transaction.read('a'))
    await settle()
    await Promise.all([expect(result).rejects.toMatchObject({ code: 'CLOSED' }), world.client.close()])
    expect(world.servers.length).toBe(1)
  })

  it('passes on what its body throws for reasons of its own', async () => {
    const world = await Succession.open()
    world.answer = serve
    const mine = new Error('mine')
    const result = world.client.transaction(async () => {
      await world.cut()
      throw mine
    })
    await expect(result).rejects.toBe(mine)
    await world.retry()
    expect(world.server.requests).toEqual([])
  })
})
