import { XenStoreOp } from '@split-driver/xenbus'
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

  it('with its commit under way is CLOSED: it may have taken effect', async () => {
    const world = await Succession.open()
    world.answer = (request, server) => {
      if (request.type === XenStoreOp.TransactionStart) server.reply(request, '5\0')
    }
    let runs = 0
    const result = world.client.transaction(async () => void runs++)
    await settle()
    await Promise.all([expect(result).rejects.toMatchObject({ code: 'CLOSED' }), world.cut()])
    await world.retry()
    expect([runs, world.server.requests.length]).toEqual([1, 0])
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
