import { channelPair, unpackTexts, type Watch, XenStoreClient, XenStoreOp } from '@split-driver/xenbus'
import { describe, expect, it } from 'vitest'
import { settle } from '../settle.js'
import { ScriptedServer } from './scripted-server.js'

const open = async (path = 'device'): Promise<{ client: XenStoreClient; server: ScriptedServer; watch: Watch }> => {
  const [near, far] = channelPair(65536)
  const client = new XenStoreClient(near)
  const server = new ScriptedServer(far)
  server.answer = (request) => server.reply(request)
  const watch = await client.watch(path)
  return { client, server, watch }
}

const iterate = (watch: Watch): { seen: string[]; ended: Promise<void> } => {
  const seen: string[] = []
  const run = async (): Promise<void> => {
    for await (const path of watch) seen.push(path)
  }
  return { seen, ended: run() }
}

it('WATCH carries path and token, UNWATCH the same in the same order', async () => {
  const { server, watch } = await open('device/vbd')
  expect(server.last).toMatchObject({ type: XenStoreOp.Watch, txId: 0 })
  expect(unpackTexts(server.last.body)).toEqual(['device/vbd', watch.token])
  await watch.close()
  expect(server.last.type).toBe(XenStoreOp.Unwatch)
  expect(unpackTexts(server.last.body)).toEqual(['device/vbd', watch.token])
})

it('rule 44: the first event is told though it arrives with the OK', async () => {
  const [near, far] = channelPair()
  const client = new XenStoreClient(near)
  const server = new ScriptedServer(far)
  server.answer = (request) => {
    server.reply(request)
    server.event('device', unpackTexts(request.body)![1]!)
  }
  const { seen } = iterate(await client.watch('device'))
  await settle()
  expect(seen).toEqual(['device'])
})

it('events go by token: two watches of one path are apart', async () => {
  const { client, server, watch } = await open()
  const other = await client.watch('device')
  expect(other.token).not.toBe(watch.token)
  const [one, two] = [iterate(watch), iterate(other)]
  server.event('device/a', watch.token)
  server.event('device/b', other.token)
  await settle()
  expect(one.seen).toEqual(['device/a'])
  expect(two.seen).toEqual(['device/b'])
})

it('rule 46: a path that waits is told once, in the order of its first event', async () => {
  const { server, watch } = await open()
  for (const path of ['device/a', 'device/b', 'device/a', 'device/a']) server.event(path, watch.token)
  await settle()
  const { seen } = iterate(watch)
  await settle()
  expect(seen).toEqual(['device/a', 'device/b'])
  server.event('device/a', watch.token)
  await settle()
  expect(seen).toEqual(['device/a', 'device/b', 'device/a'])
})

it('S8: a stalled reader costs a bounded queue, and then looks at all of it', async () => {
  const { server, watch } = await open()
  for (let i = 0; i < 5000; i++) {
    server.event(`device/${i}`, watch.token)
    if (i % 500 === 0) await settle()
  }
  await settle()
  const { seen } = iterate(watch)
  await settle()
  expect(seen.length).toBeLessThanOrEqual(1024)
  expect(seen).toContain('device')
  expect(seen.at(-1)).toBe('device/4999')
})

it('close ends the iteration, is idempotent, and drops what waits', async () => {
  const { server, watch } = await open()
  server.event('device/a', watch.token)
  await settle()
  const closing = [watch.close(), watch.close(), watch[Symbol.asyncDispose]()]
  await Promise.all(closing)
  expect(server.requests.filter(({ type }) => type === XenStoreOp.Unwatch).length).toBe(1)
  const { seen, ended } = iterate(watch)
  await ended
  expect(seen).toEqual([])
})

it('close wakes an iteration that waits', async () => {
  const { watch } = await open()
  const { ended } = iterate(watch)
  await settle()
  await watch.close()
  await ended
})

it('an event that was under way while the watch closed is nobody s', async () => {
  const { client, server, watch } = await open()
  await watch.close()
  server.event('device', watch.token)
  server.answer = (request) => server.reply(request, 'alive')
  expect(await client.read('a')).toBe('alive')
})

it('leaving an iteration does not end the watch', async () => {
  const { server, watch } = await open()
  server.event('device/a', watch.token)
  for await (const path of watch) {
    expect(path).toBe('device/a')
    break
  }
  server.event('device/b', watch.token)
  for await (const path of watch) {
    expect(path).toBe('device/b')
    break
  }
})

describe('when the connection ends', () => {
  it('every watch ends, after what it still had to tell', async () => {
    const { server, watch } = await open()
    server.event('device/a', watch.token)
    await settle()
    server.channel.close()
    await settle()
    const { seen, ended } = iterate(watch)
    await ended
    expect(seen).toEqual(['device/a'])
    await watch.close()
  })

  it('a watch that is being opened is CLOSED', async () => {
    const [near, far] = channelPair()
    const client = new XenStoreClient(near)
    const opening = client.watch('a')
    opening.catch(() => undefined)
    far.close()
    await expect(opening).rejects.toMatchObject({ code: 'CLOSED', detail: { operation: 'watch', path: 'a' } })
  })
})

it('UNWATCH of a watch that the server has reset is no error; another refusal is', async () => {
  const { client, server, watch } = await open()
  server.answer = (request) => server.refuse(request, 'ENOENT')
  await watch.close()
  server.answer = (request) => server.reply(request)
  const other = await client.watch('b')
  server.answer = (request) => server.refuse(request, 'EIO')
  await expect(other.close()).rejects.toMatchObject({ code: 'EIO' })
})

it('a refused watch is forgotten', async () => {
  const { client, server } = await open()
  server.answer = (request) => server.refuse(request, 'EACCES')
  await expect(client.watch('/secret')).rejects.toMatchObject({ code: 'EACCES', detail: { path: '/secret' } })
})

it('onChange calls back one path at a time, coalesced, until it is closed', async () => {
  const { client, server } = await open()
  const seen: string[] = []
  const watch = await client.onChange('device', (path) => seen.push(path))
  for (const path of ['device/a', 'device/b']) server.event(path, watch.token)
  await settle()
  expect(seen).toEqual(['device/a', 'device/b'])
  await watch.close()
  server.event('device/c', watch.token)
  await settle()
  expect(seen.length).toBe(2)
})
