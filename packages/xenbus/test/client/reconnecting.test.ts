import { XenError } from '@split-driver/abi'
import {
  channelPair,
  type Message,
  RECONNECT_BACK_OFF,
  toText,
  unpackTexts,
  XenStoreClient,
  XenStoreOp,
} from '@split-driver/xenbus'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { settle } from '../settle.js'
import { Succession } from './succession.js'

const pathsOf = (requests: readonly Message[]): string[] =>
  requests.map(({ body }) => unpackTexts(body)?.[0] ?? toText(body))

const echo: Succession['answer'] = (request, server) =>
  server.reply(request, request.type === XenStoreOp.Read ? 'value' : undefined)

describe('when the connection ends', () => {
  it('what may be asked twice is asked again, in its order', async () => {
    const world = await Succession.open()
    const { client } = world
    const calls = [
      client.read('a'),
      client.directory('b'),
      client.getPermissions('c'),
      client.isDomainIntroduced(1 as never),
    ]
    await settle()
    const first = pathsOf(world.server.requests)
    await world.cut()
    expect(client.connected).toBe(false)
    world.answer = (request, server) =>
      server.reply(
        request,
        { [XenStoreOp.GetPerms]: 'n0\0', [XenStoreOp.IsDomainIntroduced]: 'T\0' }[request.type] ?? 'x\0',
      )
    await world.retry()
    expect(await Promise.all(calls)).toEqual(['x\0', ['x'], [{ domid: 0, kind: 'none' }], true])
    expect(pathsOf(world.server.requests)).toEqual(first)
    expect(client.connected).toBe(true)
  })

  it('what may have been carried out is CLOSED at once, and not asked again', async () => {
    const world = await Succession.open()
    const { client } = world
    const calls = [
      client.write('a', '1'),
      client.mkdir('a'),
      client.rm('a'),
      client.setPermissions('a', []),
      client.release(1 as never),
      client.control('check'),
    ]
    await settle()
    expect(world.server.requests.length).toBe(calls.length)
    const [outcomes] = await Promise.all([Promise.allSettled(calls), world.cut()])
    for (const outcome of outcomes) expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'CLOSED' } })
    await world.retry()
    expect(world.server.requests).toEqual([])
  })

  it('what certainly never went out waits, and goes out in its order', async () => {
    const world = await Succession.open({}, 40)
    const { client } = world
    const going = client.write('a-path-longer-than-the-channel-holds', '0')
    const waiting = Array.from({ length: 5 }, (_, i) => client.write(`key/${i}`, String(i)))
    await Promise.all([expect(going).rejects.toMatchObject({ code: 'CLOSED' }), cutUnread(world)])
    const later = client.write('later', '')
    world.answer = echo
    await world.retry()
    await Promise.all([...waiting, later])
    expect(world.server.requests.map(({ body }) => toText(body))).toEqual([
      ...Array.from({ length: 5 }, (_, i) => `key/${i}\0${i}`),
      'later\0',
    ])
  })

  it('what waits for a connection can be given up, and never goes out', async () => {
    const world = await Succession.open()
    await world.cut()
    const control = new AbortController()
    const call = world.client.write('a', '', control)
    const mine = new Error('mine')
    control.abort(mine)
    await expect(call).rejects.toBe(mine)
    await world.retry()
    expect(world.server.requests).toEqual([])
    expect(world.client.outstanding).toBe(0)
  })

  it('each request is settled once, and only what repeats harmlessly is carried out twice', async () => {
    const step = fc.constantFrom('read', 'write', 'cut', 'retry', 'turn')
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 30 }),
        fc.integer({ min: 20, max: 200 }),
        async (steps, capacity) => {
          const world = await Succession.open({}, capacity)
          world.answer = (request, server) => server.reply(request, 'x')
          const outcomes: Promise<[string, string]>[] = []
          for (const [i, action] of steps.entries()) {
            if (action === 'cut') await world.cut()
            else if (action === 'retry') await world.retry()
            else if (action === 'turn') await settle()
            else {
              const path = `${action}/${i}`
              const call = action === 'read' ? world.client.read(path) : world.client.write(path, '')
              outcomes.push(
                call.then(
                  () => [path, 'done'],
                  (error: XenError) => [path, error.code],
                ),
              )
            }
          }
          await world.retry()
          for (const [path, outcome] of await Promise.all(outcomes)) {
            const times = world.servers
              .flatMap(({ requests }) => pathsOf(requests))
              .filter((each) => each === path).length
            if (path.startsWith('read')) expect(outcome).toBe('done')
            else expect(times).toBeLessThanOrEqual(1)
            if (outcome === 'done') expect(times).toBeGreaterThanOrEqual(1)
          }
          expect(world.client.outstanding).toBe(0)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('S9: a reply that comes over the next connection is nobody’s: request numbers go on', async () => {
    const world = await Succession.open()
    const write = world.client.write('a', '')
    write.catch(() => undefined)
    await settle()
    const [old] = world.server.requests
    await world.cut()
    const read = world.client.read('b')
    await world.retry()
    expect(world.server.last.reqId).not.toBe(old!.reqId)
    world.server.reply(old!, 'late')
    await settle()
    world.server.reply(world.server.last, 'mine')
    expect(await read).toBe('mine')
  })
})

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

describe('connecting again', () => {
  it('is tried after waits that grow from 10 ms to 2 s', async () => {
    const world = await Succession.open()
    world.refusals.push(...Array.from({ length: 12 }, () => new Error('nobody there')))
    await world.cut()
    for (let i = 0; i < 13; i++) await world.retry()
    expect(world.client.connected).toBe(true)
    const { firstMs, mostMs } = RECONNECT_BACK_OFF
    expect(world.clock.waits).toEqual(Array.from({ length: 13 }, (_, i) => Math.min(firstMs * 2 ** i, mostMs)))
    expect(world.clock.timers).toBe(0)
  })

  it('is spread by chance, below those waits', async () => {
    const chances = [0.5, 0.25, 0]
    const world = await Succession.open({ random: () => chances.shift() ?? 0 })
    world.refusals.push(new Error('no'), new Error('no'))
    await world.cut()
    for (let i = 0; i < 3; i++) await world.retry()
    expect(world.clock.waits).toEqual([5, 5, 0])
  })

  it('S9: a server that takes connections and says nothing is come to ever more slowly', async () => {
    const world = await Succession.open()
    for (let i = 0; i < 4; i++) {
      await world.cut()
      await world.retry()
    }
    expect(world.clock.waits).toEqual([10, 20, 40, 80])
    world.answer = echo
    await world.client.read('a')
    await world.cut()
    expect(world.clock.waits.at(-1)).toBe(10)
  })

  it('ends when the client is closed: nobody is asked any more, and all that waits is CLOSED', async () => {
    const world = await Succession.open()
    await world.cut()
    const waiting = world.client.read('a')
    world.client.close()
    await expect(waiting).rejects.toMatchObject({ code: 'CLOSED', detail: { operation: 'read', path: 'a' } })
    await world.retry()
    expect(world.attempts).toBe(1)
    expect(world.clock.timers).toBe(0)
    await expect(world.client.read('a')).rejects.toMatchObject({ code: 'CLOSED' })
  })

  it('a connection that comes after the client was closed is closed', async () => {
    let give: (channel: ReturnType<typeof channelPair>[0]) => void = () => undefined
    const [near, far] = channelPair()
    const world = new Succession()
    const client = new XenStoreClient(near, {
      clock: world.clock,
      reconnect: (signal) => {
        expect(signal.aborted).toBe(false)
        return new Promise((resolve) => {
          give = resolve
        })
      },
    })
    far.close()
    await settle()
    await world.retry()
    client.close()
    const [late] = channelPair()
    give(late)
    await settle()
    expect(late.closed).toBe(true)
  })

  it('ends the client where there will never be another connection', async () => {
    const world = await Succession.open()
    world.refusals.push(new XenError('CLOSED', 'never'))
    const told: string[] = []
    for (const event of ['lost', 'reconnected', 'closed'] as const) world.client.on(event, () => told.push(event))
    const waiting = world.client.read('a')
    await settle()
    await Promise.all([
      expect(waiting).rejects.toMatchObject({ code: 'CLOSED' }),
      world.cut().then(() => world.retry()),
    ])
    expect(world.client.closed).toBe(true)
    expect(told).toEqual(['lost', 'closed'])
  })

  it('tells its owner: lost, reconnected, and closed once', async () => {
    const world = await Succession.open()
    const told: string[] = []
    for (const event of ['lost', 'reconnected', 'closed'] as const) world.client.on(event, () => told.push(event))
    await world.cut()
    expect(told).toEqual(['lost'])
    await world.retry()
    expect(told).toEqual(['lost', 'reconnected'])
    world.client.close()
    world.client.close()
    expect(told).toEqual(['lost', 'reconnected', 'closed'])
  })

  it('the first connection is the caller’s to worry about', async () => {
    const refused = new Error('nobody there')
    const opening = XenStoreClient.open(() => Promise.reject(refused), { clock: new Succession().clock })
    await expect(opening).rejects.toBe(refused)
    const [near] = channelPair()
    expect(() => new XenStoreClient(near, { reconnect: async () => near })).toThrow(TypeError)
  })
})

/** As `cut`, but the server reads no byte of what is under way. */
const cutUnread = (world: Succession): Promise<void> => {
  world.server.channel.onReady(() => undefined)
  return world.cut()
}
