import type { XenError } from '@split-driver/abi'
import { type Message, toText, unpackTexts, XenStoreOp } from '@split-driver/xenbus'
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

  it('that holds for the one that was next to go, too', async () => {
    const world = await Succession.open()
    world.gate.shut = true
    const writes = [world.client.write('a', '1'), world.client.write('b', '2')]
    await world.cut()
    world.answer = echo
    await world.retry()
    await Promise.all(writes)
    expect(pathsOf(world.server.requests)).toEqual(['a\x001', 'b\x002'])
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

/** As `cut`, but the server reads no byte of what is under way. */
const cutUnread = (world: Succession): Promise<void> => {
  world.server.channel.onReady(() => undefined)
  return world.cut()
}
