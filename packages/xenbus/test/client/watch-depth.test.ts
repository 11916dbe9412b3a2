import {
  channelPair,
  isWithinDepth,
  unpackTexts,
  XenStoreClient,
  XenStoreOp,
  XenStoreServerFeature,
} from '@split-driver/xenbus'
import { describe, expect, it } from 'vitest'
import { settle } from '../settle.js'
import { GatedChannel } from './gated-channel.js'
import { ScriptedServer } from './scripted-server.js'
import { Succession } from './succession.js'

const open = (serverFeatures?: number) => {
  const [near, far] = channelPair(65536)
  const server = new ScriptedServer(far)
  server.answer = (request) => server.reply(request)
  return { client: new XenStoreClient(new GatedChannel(near, serverFeatures)), server }
}

const watchesOf = (server: ScriptedServer): (string[] | undefined)[] =>
  server.requests.map(({ body }) => unpackTexts(body))

describe('docs/misc/xenstore.txt: a watch’s depth', () => {
  it('is WATCH’s third field', async () => {
    const { client, server } = open()
    const watch = await client.watch('device', { depth: 1 })
    expect(watchesOf(server)).toEqual([['device', watch.token, '1']])
    await watch.close()
    expect(unpackTexts(server.last.body)).toEqual(['device', watch.token])
  })

  it('is asked for where the ring page offers it, and not where it does not', async () => {
    for (const [features, fields] of [
      [XenStoreServerFeature.WatchDepth | XenStoreServerFeature.Error, 3],
      [XenStoreServerFeature.Error, 2],
    ] as const) {
      const { client, server } = open(features)
      await client.watch('device', { depth: 0 })
      expect(watchesOf(server)[0]!.length).toBe(fields)
    }
  })

  it('is left out for a server that knows of none and says EINVAL; other refusals are passed on', async () => {
    const { client, server } = open()
    server.answer = (request) =>
      unpackTexts(request.body)!.length === 3 ? server.refuse(request, 'EINVAL') : server.reply(request)
    const watch = await client.watch('device', { depth: 2 })
    expect(watchesOf(server)).toEqual([
      ['device', watch.token, '2'],
      ['device', watch.token],
    ])
    server.answer = (request) => server.refuse(request, 'EACCES')
    await expect(client.watch('device', { depth: 2 })).rejects.toMatchObject({ code: 'EACCES' })
    expect(server.requests.length).toBe(3)
  })

  it('rule 55: holds though server or kernel sends what lies deeper', async () => {
    const { client, server } = open()
    const watch = await client.watch('device', { depth: 1 })
    for (const path of ['device/vbd/0', 'device/vbd', 'device', 'device/a/b/c', 'other', 'device/vif'])
      server.event(path, watch.token)
    await settle()
    const seen: string[] = []
    void (async () => {
      for await (const path of watch) seen.push(path)
    })()
    await settle()
    expect(seen).toEqual(['device/vbd', 'device', 'device/vif'])
  })

  it('rule 51: @releaseDomain tells the domain at depth 1', async () => {
    const { client, server } = open()
    const watch = await client.watch('@releaseDomain', { depth: 1 })
    server.event('@releaseDomain/5', watch.token)
    expect(await watch[Symbol.asyncIterator]().next()).toEqual({ done: false, value: '@releaseDomain/5' })
  })

  it('is asked for again after a reconnect', async () => {
    const world = await Succession.open()
    world.answer = (request, server) => server.reply(request)
    const watch = await world.client.watch('device', { depth: 1 })
    await world.cut()
    await world.retry()
    expect(world.server.requests.map(({ type, body }) => [type, unpackTexts(body)])).toEqual([
      [XenStoreOp.Watch, ['device', watch.token, '1']],
    ])
  })

  for (const depth of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])
    it(`of ${depth} is the caller’s mistake`, async () => {
      const { client, server } = open()
      await expect(client.watch('device', { depth })).rejects.toThrow(RangeError)
      await settle()
      expect(server.requests).toEqual([])
    })
})

it('levels below a path', () => {
  const cases: [string, string, number, boolean][] = [
    ['/', '/', 0, true],
    ['/a', '/', 0, false],
    ['/a', '/', 1, true],
    ['/a/b', '/', 1, false],
    ['a', 'a', 0, true],
    ['a/b', 'a', 0, false],
    ['a/b/c', 'a', 2, true],
    ['ab', 'a', 9, false],
  ]
  for (const [path, ancestor, depth, expected] of cases) expect(isWithinDepth(path, ancestor, depth)).toBe(expected)
})
