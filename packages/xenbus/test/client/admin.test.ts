import type { Domid } from '@split-driver/abi'
import { okBody, toText, type XenStoreClient, XenStoreOp } from '@split-driver/xenbus'
import { describe, expect, it } from 'vitest'
import { settle } from '../settle.js'
import { connect } from './scripted-connection.js'

const domid = 7 as Domid

type Case = readonly [
  name: string,
  call: (client: XenStoreClient) => Promise<unknown>,
  type: number,
  body: string,
  reply: Uint8Array | string,
  result: unknown,
]

const operations: readonly Case[] = [
  ['resume', (c) => c.resume(domid), XenStoreOp.Resume, '7\0', okBody(), undefined],
  ['setTarget', (c) => c.setTarget(domid, 5 as Domid), XenStoreOp.SetTarget, '7\x005\0', okBody(), undefined],
  ['resetWatches', (c) => c.resetWatches(), XenStoreOp.ResetWatches, '\0', okBody(), undefined],
  ['getFeatures of oneself', (c) => c.getFeatures(), XenStoreOp.GetFeature, '', '7\0', 7],
  ['getFeatures', (c) => c.getFeatures(domid), XenStoreOp.GetFeature, '7\0', '4294967295\0', 2 ** 32 - 1],
  ['setFeatures', (c) => c.setFeatures(domid, 3), XenStoreOp.SetFeature, '7\x003\0', okBody(), undefined],
  [
    'quotaNames',
    (c) => c.quotaNames(),
    XenStoreOp.GetQuota,
    '',
    'nodes watches soft-memory\0',
    ['nodes', 'watches', 'soft-memory'],
  ],
  ['quotaNames of none', (c) => c.quotaNames(), XenStoreOp.GetQuota, '', '\0', []],
  ['getQuota of all', (c) => c.getQuota('nodes'), XenStoreOp.GetQuota, 'nodes\0', '1000\0', 1000],
  ['getQuota', (c) => c.getQuota('nodes', domid), XenStoreOp.GetQuota, '7\0nodes\0', '0\0', 0],
  ['setQuota of all', (c) => c.setQuota('nodes', 9), XenStoreOp.SetQuota, 'nodes\x009\0', okBody(), undefined],
  ['setQuota', (c) => c.setQuota('nodes', 9, domid), XenStoreOp.SetQuota, '7\0nodes\x009\0', okBody(), undefined],
  ['control', (c) => c.control('log', ['on']), XenStoreOp.Control, 'log\0on\0', 'OK\0', 'OK'],
  ['control, its answer without NUL', (c) => c.control('help'), XenStoreOp.Control, 'help\0', 'a\nb', 'a\nb'],
]

describe('docs/misc/xenstore.txt: what travels for', () => {
  for (const [name, call, type, body, reply, result] of operations)
    it(name, async () => {
      const { client, server } = connect(65536)
      server.answer = (request) => server.reply(request, reply)
      expect(await call(client)).toEqual(result)
      expect(server.last).toMatchObject({ type, txId: 0 })
      expect(toText(server.last.body)).toBe(body)
    })
})

it('rule 51: a refusal names what was asked', async () => {
  const { client, server } = connect(65536)
  server.answer = (request) => server.refuse(request, 'EACCES')
  await expect(client.setTarget(domid, 5 as Domid)).rejects.toMatchObject({
    code: 'EACCES',
    detail: { operation: 'setTarget', domid: 7, target: 5 },
  })
})

describe('S9: a reply that is no number is EPROTO', () => {
  for (const reply of ['', '\0', '-1\0', 'x\0', '1e9\0', '99999999999\0'])
    it(JSON.stringify(reply), async () => {
      const { client, server } = connect(65536)
      server.answer = (request) => server.reply(request, reply)
      await expect(client.getQuota('nodes')).rejects.toMatchObject({ code: 'EPROTO' })
    })
})

it('rule 53: RESET_WATCHES ends the watches there are, not the one that is asked for behind it', async () => {
  const { client, server } = connect(65536)
  server.answer = (request) => server.reply(request)
  const old = await client.watch('a')
  const ended = old[Symbol.asyncIterator]().next()
  const [, young] = await Promise.all([client.resetWatches(), client.watch('b')])
  expect(await ended).toMatchObject({ done: true })
  await old.close()
  expect(server.requests.filter(({ type }) => type === XenStoreOp.Unwatch)).toEqual([])
  server.event('b', young.token)
  expect(await young[Symbol.asyncIterator]().next()).toEqual({ done: false, value: 'b' })
  server.answer = (request) => server.refuse(request, 'EACCES')
  await expect(client.resetWatches()).rejects.toMatchObject({ code: 'EACCES' })
  server.event('b/c', young.token)
  await settle()
  expect(await young[Symbol.asyncIterator]().next()).toEqual({ done: false, value: 'b/c' })
})
