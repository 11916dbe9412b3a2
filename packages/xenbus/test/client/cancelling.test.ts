import { channelPair, unpackTexts, XenStoreClient, XenStoreOp } from '@split-driver/xenbus'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { settle } from '../settle.js'
import { GatedChannel } from './gated-channel.js'
import { connect, mine, typesOf } from './scripted-connection.js'
import { ScriptedServer } from './scripted-server.js'

const answerAll = (server: ScriptedServer, until = server.requests.length): void => {
  for (const request of server.requests.slice(0, until)) server.reply(request, 'late')
}

describe('S9: a request that was given up', () => {
  it('rejects with the signal’s reason, whatever it asked', async () => {
    const { client, server, control, signal } = connect()
    const calls = [
      client.read('a', { signal }),
      client.tryRead('a', { signal }),
      client.readBytes('a', { signal }),
      client.write('a', '', { signal }),
      client.mkdir('a', { signal }),
      client.rm('a', { signal }),
      client.directory('a', { signal }),
      client.getPermissions('a', { signal }),
      client.setPermissions('a', [], { signal }),
      client.watch('a', { signal }),
      client.onChange('a', () => undefined, { signal }),
      client.transaction(async () => 1, { signal }),
      client.getDomainPath(1 as never, { signal }),
      client.introduce(1 as never, 2 as never, 3 as never, { signal }),
      client.resetWatches({ signal }),
      client.quotaNames({ signal }),
      client.control('check', [], { signal }),
    ]
    await settle()
    expect(server.requests.length).toBe(calls.length)
    control.abort(mine)
    for (const outcome of await Promise.allSettled(calls)) expect(outcome).toEqual({ status: 'rejected', reason: mine })
  })

  it('sends nothing if it was given up before', async () => {
    const { client, server, control, signal } = connect()
    control.abort(mine)
    await expect(client.read('a', { signal })).rejects.toBe(mine)
    await expect(client.watch('a', { signal })).rejects.toBe(mine)
    await expect(client.transaction(async () => 1, { signal })).rejects.toBe(mine)
    await settle()
    expect(server.requests).toEqual([])
  })

  it('leaves its late reply to nobody, and no trace', async () => {
    const { client, server, control, signal } = connect()
    const given = client.read('a', { signal })
    const kept = client.read('b')
    await settle()
    control.abort(mine)
    await expect(given).rejects.toBe(mine)
    expect(client.outstanding).toBe(1)
    server.reply(server.requests[0]!, 'late')
    server.reply(server.requests[0]!, 'again')
    server.reply(server.requests[1]!, 'kept')
    expect(await kept).toBe('kept')
    expect(client.outstanding).toBe(0)
  })

  it('never goes out if nothing of it had: the server is asked the rest only', async () => {
    const { client, server, control, signal } = connect(20)
    server.answer = (request) => server.reply(request, request.body)
    const first = client.read('a-path-longer-than-the-channel-holds')
    const given = Array.from({ length: 5 }, (_, i) => client.read(`given-up/${i}`, { signal }))
    const last = client.read('last')
    control.abort(mine)
    await Promise.allSettled(given)
    await Promise.all([first, last])
    expect(server.requests.map(({ body }) => unpackTexts(body)![0])).toEqual([
      'a-path-longer-than-the-channel-holds',
      'last',
    ])
  })

  it('never goes out, also if it is the next to go', async () => {
    const [near, far] = channelPair()
    const gate = new GatedChannel(near)
    const client = new XenStoreClient(gate)
    const server = new ScriptedServer(far)
    server.answer = (request) => server.reply(request, request.body)
    gate.shut = true
    const control = new AbortController()
    const given = [client.read('first', control), client.read('second', control)]
    const kept = client.read('third')
    control.abort(mine)
    for (const outcome of await Promise.allSettled(given)) expect(outcome).toMatchObject({ reason: mine })
    expect(client.outstanding).toBe(1)
    gate.shut = false
    expect(await kept).toBe('third\0')
    expect(server.requests.length).toBe(1)
  })

  it('has one outcome, wherever the reply comes against the signal', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom('abort', 'reply', 'turn'), { maxLength: 6 }), async (steps) => {
        const { client, server, control, signal } = connect()
        const settled = client.read('a', { signal }).catch((reason: unknown) => reason)
        const other = client.read('b')
        await settle()
        for (const step of steps) {
          if (step === 'abort') control.abort(mine)
          else if (step === 'reply') server.reply(server.requests[0]!, 'value')
          else await settle()
        }
        control.abort(mine)
        const outcome = await settled
        const abortedAt = steps.indexOf('abort')
        const replied = steps.slice(0, abortedAt < 0 ? steps.length : abortedAt)
        const before = replied.includes('reply') && replied.lastIndexOf('turn') > replied.indexOf('reply')
        expect(outcome).toBe(before ? 'value' : mine)
        server.reply(server.requests[1]!, 'other')
        expect(await other).toBe('other')
        expect(client.outstanding).toBe(0)
      }),
      { numRuns: 200 },
    )
  })

  it('costs nothing, however many a server never answers', async () => {
    const { client } = connect(1024)
    for (let round = 0; round < 200; round++) {
      const control = new AbortController()
      const calls = Array.from({ length: 50 }, () => client.read('a/b/c', control))
      control.abort(mine)
      await Promise.allSettled(calls)
    }
    expect(client.outstanding).toBe(0)
  })

  it('keeps no listener on its signal once it is answered', async () => {
    const { client, server, signal } = connect()
    let listeners = 0
    const add = signal.addEventListener.bind(signal)
    const remove = signal.removeEventListener.bind(signal)
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners++
      add(...args)
    }
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners--
      remove(...args)
    }
    server.answer = (request) => server.reply(request, '5\0')
    await client.read('a', { signal })
    await client.transaction((transaction) => transaction.read('a'), { signal })
    expect(listeners).toBe(0)
  })
})

describe('a watch that was given up', () => {
  it('leaves none behind at the server, which has it by then', async () => {
    const { client, server, control, signal } = connect()
    const watch = client.watch('device', { signal })
    await settle()
    control.abort(mine)
    await expect(watch).rejects.toBe(mine)
    await settle()
    expect(typesOf(server.requests)).toEqual([XenStoreOp.Watch, XenStoreOp.Unwatch])
    expect(unpackTexts(server.requests[1]!.body)).toEqual(unpackTexts(server.requests[0]!.body))
    answerAll(server)
    await settle()
    expect(client.outstanding).toBe(0)
  })

  it('is not even asked for, if it had not gone out', async () => {
    const { client, server, control, signal } = connect(20)
    server.answer = (request) => server.reply(request, '')
    const reading = client.read('a-path-longer-than-the-channel-holds')
    const watch = client.watch('device', { signal })
    control.abort(mine)
    await expect(watch).rejects.toBe(mine)
    await reading
    await settle()
    expect(typesOf(server.requests)).toEqual([XenStoreOp.Read])
  })

  it('stays, if it was there before the signal came', async () => {
    const { client, server, control, signal } = connect()
    server.answer = (request) => server.reply(request)
    const watch = await client.watch('device', { signal })
    control.abort(mine)
    server.event('device/a', watch.token)
    expect(await watch[Symbol.asyncIterator]().next()).toEqual({ done: false, value: 'device/a' })
  })
})
