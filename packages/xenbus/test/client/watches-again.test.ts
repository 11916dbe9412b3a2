import { type Message, unpackTexts, type Watch, XenStoreOp } from '@split-driver/xenbus'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { settle } from '../settle.js'
import { Succession } from './succession.js'

/** Says yes to everything; a WATCH is followed by its first event (rule 44). */
const serve: Succession['answer'] = (request, server) => {
  server.reply(request)
  const [path, token] = unpackTexts(request.body) ?? []
  if (request.type === XenStoreOp.Watch) server.event(path!, token!)
}

const open = async (): Promise<Succession> => {
  const world = await Succession.open()
  world.answer = serve
  return world
}

const iterate = (watch: Watch): { seen: string[]; ended: Promise<void> } => {
  const seen: string[] = []
  const run = async (): Promise<void> => {
    for await (const path of watch) seen.push(path)
  }
  return { seen, ended: run() }
}

const fieldsOf = (requests: readonly Message[], type: number): (string[] | undefined)[] =>
  requests.filter((request) => request.type === type).map(({ body }) => unpackTexts(body))

describe('after a reconnect', () => {
  it('each watch is registered once, as it was, and looks at all of it once', async () => {
    const world = await open()
    const watches = [await world.client.watch('a'), await world.client.watch('a'), await world.client.watch('b/c')]
    const told = watches.map(iterate)
    await settle()
    await world.cut()
    await world.retry()
    expect(fieldsOf(world.server.requests, XenStoreOp.Watch)).toEqual(watches.map(({ path, token }) => [path, token]))
    expect(told.map(({ seen }) => seen)).toEqual([
      ['a', 'a'],
      ['a', 'a'],
      ['b/c', 'b/c'],
    ])
    world.server.event('b/c/d', watches[2]!.token)
    await settle()
    expect(told[2]!.seen.at(-1)).toBe('b/c/d')
  })

  it('is registered before anything that waited is asked: no change in between is missed', async () => {
    const world = await open()
    await world.client.watch('a')
    await world.cut()
    const write = world.client.write('a', '1')
    await world.retry()
    await write
    expect(world.server.requests.map(({ type }) => type)).toEqual([XenStoreOp.Watch, XenStoreOp.Write])
  })

  it('one that was being opened is asked for once, and opens', async () => {
    const world = await Succession.open()
    const opening = world.client.watch('a')
    await settle()
    await world.cut()
    world.answer = serve
    await world.retry()
    const { seen } = iterate(await opening)
    await settle()
    expect(fieldsOf(world.server.requests, XenStoreOp.Watch).length).toBe(1)
    expect(seen).toEqual(['a'])
  })

  it('one that was closed meanwhile is not there again', async () => {
    const world = await open()
    const watch = await world.client.watch('a')
    await world.cut()
    await watch.close()
    await world.retry()
    expect(world.server.requests).toEqual([])
  })

  it('one whose UNWATCH was under way is closed, and not there again', async () => {
    const world = await open()
    const watch = await world.client.watch('a')
    world.answer = undefined
    const closing = watch.close()
    await settle()
    await world.cut()
    await closing
    await world.retry()
    expect(world.server.requests).toEqual([])
  })

  it('one that the server kept looks at all of it, though no first event comes', async () => {
    const world = await open()
    const { seen } = iterate(await world.client.watch('a'))
    await settle()
    world.answer = (request, server) => server.refuse(request, 'EEXIST')
    await world.cut()
    await world.retry()
    expect(seen).toEqual(['a', 'a'])
  })

  it('one that the server refuses now ends with its error, after what it had to tell', async () => {
    const world = await open()
    const watch = await world.client.watch('a')
    const quiet: string[] = []
    await world.client.onChange('b', (path) => quiet.push(path))
    await settle()
    await world.cut()
    world.answer = (request, server) => server.refuse(request, 'EACCES')
    await world.retry()
    const { seen, ended } = iterate(watch)
    await expect(ended).rejects.toMatchObject({ code: 'EACCES', detail: { operation: 'watch', path: 'a' } })
    expect(seen).toEqual(['a'])
    await iterate(watch).ended
    await watch.close()
    await world.cut()
    await world.retry()
    expect(world.server.requests).toEqual([])
    expect(quiet).toEqual(['b'])
  })

  it('every watch that is open is there exactly once, whatever happened', async () => {
    const step = fc.oneof(
      fc.record({ act: fc.constantFrom('open', 'close', 'turn'), index: fc.nat(5) }),
      fc.record({ act: fc.constantFrom('cut', 'retry', 'silent', 'honest'), index: fc.constant(0) }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const world = await open()
        const opening: Promise<Watch>[] = []
        const closed = new Set<Promise<Watch>>()
        for (const { act, index } of steps) {
          if (act === 'open') opening.push(world.client.watch(`path/${index}`))
          else if (act === 'close') {
            const which = opening.at(index)
            if (which === undefined) continue
            closed.add(which)
            void which.then((watch) => watch.close())
          } else if (act === 'cut') await world.cut()
          else if (act === 'retry') await world.retry()
          else if (act === 'silent') world.answer = undefined
          else if (act === 'honest') world.answer = serve
          else await settle()
        }
        world.answer = serve
        await world.cut()
        await world.retry()
        await settle()
        const stay = await Promise.all(opening.filter((each) => !closed.has(each)))
        const there = new Map<string, number>()
        for (const { type, body } of world.server.requests) {
          const [path, token] = unpackTexts(body)!
          const key = `${path} ${token}`
          const change = type === XenStoreOp.Watch ? 1 : type === XenStoreOp.Unwatch ? -1 : 0
          there.set(key, (there.get(key) ?? 0) + change)
        }
        const counted = [...there].filter(([, count]) => count !== 0)
        expect(counted.sort()).toEqual(stay.map(({ path, token }) => [`${path} ${token}`, 1]).sort())
      }),
      { numRuns: 80 },
    )
  })
})

it('when the client is closed for good, every watch ends', async () => {
  const world = await open()
  const { seen, ended } = iterate(await world.client.watch('a'))
  await settle()
  await world.cut()
  world.client.close()
  await ended
  expect(seen).toEqual(['a'])
})
