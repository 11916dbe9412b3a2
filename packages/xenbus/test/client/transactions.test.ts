import {
  channelPair,
  type Message,
  TRANSACTION_TRIES,
  toText,
  XenStoreClient,
  XenStoreOp,
  type XenStoreOperations,
} from '@split-driver/xenbus'
import { describe, expect, it } from 'vitest'
import { ScriptedServer } from './scripted-server.js'

/** A server that gives out transaction ids and answers each END from `ends`, then OK. */
const connect = (ends: (string | undefined)[] = []): { client: XenStoreClient; server: ScriptedServer } => {
  const [near, far] = channelPair()
  const server = new ScriptedServer(far)
  let txId = 40
  server.answer = (request) => {
    if (request.type === XenStoreOp.TransactionStart) return server.reply(request, `${++txId}\0`)
    const refusal = request.type === XenStoreOp.TransactionEnd ? ends.shift() : undefined
    if (refusal) server.refuse(request, refusal)
    else server.reply(request, 'value')
  }
  return { client: new XenStoreClient(near), server }
}

const ends = (requests: readonly Message[]): string[] =>
  requests.filter(({ type }) => type === XenStoreOp.TransactionEnd).map(({ body }) => toText(body))

it('rule 49: START has tx_id 0, everything inside has the one it got, END commits with "T"', async () => {
  const { client, server } = connect()
  const result = await client.transaction(async (transaction) => {
    await transaction.write('a', '1')
    return transaction.read('b')
  })
  expect(result).toBe('value')
  expect(server.requests.map(({ type, txId }) => [type, txId])).toEqual([
    [XenStoreOp.TransactionStart, 0],
    [XenStoreOp.Write, 41],
    [XenStoreOp.Read, 41],
    [XenStoreOp.TransactionEnd, 41],
  ])
  expect(toText(server.requests[0]!.body)).toBe('\0')
  expect(ends(server.requests)).toEqual(['T\0'])
})

it('rule 48: a conflict runs the body again, in a transaction of its own', async () => {
  const { client, server } = connect(['EAGAIN', 'EAGAIN'])
  let runs = 0
  await client.transaction(async (transaction) => {
    runs++
    await transaction.write('a', String(runs))
  })
  expect(runs).toBe(3)
  const writes = server.requests.filter(({ type }) => type === XenStoreOp.Write)
  expect(writes.map(({ txId }) => txId)).toEqual([41, 42, 43])
})

it(`rule 48: a conflict on each of ${TRANSACTION_TRIES} tries is passed on`, async () => {
  const { client } = connect(Array(TRANSACTION_TRIES).fill('EAGAIN'))
  let runs = 0
  const transaction = client.transaction(async () => void runs++)
  await expect(transaction).rejects.toMatchObject({ code: 'EAGAIN', detail: { tries: TRANSACTION_TRIES } })
  expect(runs).toBe(TRANSACTION_TRIES)
})

it('rule 49: a body that throws aborts with "F", and its error is passed on', async () => {
  const { client, server } = connect()
  const mine = new Error('mine')
  await expect(client.transaction(() => Promise.reject(mine))).rejects.toBe(mine)
  expect(ends(server.requests)).toEqual(['F\0'])
})

it('an abort that fails does not hide why there was one', async () => {
  const { client } = connect(['ENOENT'])
  const mine = new Error('mine')
  await expect(client.transaction(() => Promise.reject(mine))).rejects.toBe(mine)
})

it('any other refusal of the commit is passed on at once', async () => {
  const { client, server } = connect(['ENOSPC'])
  await expect(client.transaction(async () => 1)).rejects.toMatchObject({ code: 'ENOSPC' })
  expect(ends(server.requests)).toEqual(['T\0'])
})

it('using a transaction after its end is the caller s mistake, and sends nothing', async () => {
  const { client, server } = connect()
  let kept: XenStoreOperations | undefined
  await client.transaction(async (transaction) => {
    kept = transaction
  })
  await expect(kept!.read('a')).rejects.toThrow(TypeError)
  const abort = client.transaction(async (transaction) => {
    kept = transaction
    throw new Error('mine')
  })
  await expect(abort).rejects.toThrow('mine')
  const sent = server.requests.length
  await expect(kept!.read('a')).rejects.toThrow(TypeError)
  await expect(kept!.write('a', '')).rejects.toThrow(TypeError)
  expect(server.requests.length).toBe(sent)
})

describe('a server that gives no usable transaction id', () => {
  for (const body of ['', '\0', '0\0', '-1\0', '4294967296\0', 'abc\0', '5'])
    it(`${JSON.stringify(body)} is EPROTO`, async () => {
      const [near, far] = channelPair()
      const server = new ScriptedServer(far)
      server.answer = (request) => server.reply(request, body)
      const transaction = new XenStoreClient(near).transaction(async () => 1)
      await expect(transaction).rejects.toMatchObject({ code: 'EPROTO' })
    })
})

it('the connection ending inside a transaction rejects it with CLOSED', async () => {
  const { client, server } = connect()
  const transaction = client.transaction(async (inside) => {
    server.channel.close()
    await inside.read('a')
  })
  await expect(transaction).rejects.toMatchObject({ code: 'CLOSED' })
})
