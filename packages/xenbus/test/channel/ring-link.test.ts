import { FlatMemory, type Port } from '@split-driver/abi'
import type { EventChannels } from '@split-driver/evtchn'
import { xenstoreDomainInterface } from '@split-driver/ring'
import {
  RingChannel,
  RingLink,
  XenStoreClient,
  XenStoreConnection,
  XenStoreOp,
  XenStoreRingError,
  XenStoreServerFeature,
} from '@split-driver/xenbus'
import { describe, expect, it } from 'vitest'
import { ManualClock } from '../client/manual-clock.js'
import { ScriptedServer } from '../client/scripted-server.js'
import { settle } from '../settle.js'

const { at } = xenstoreDomainInterface
const PORT = 5 as Port

/** A page, its port, a domain's client on it, and as much of a server as a test asks for. */
const world = (features: number = XenStoreServerFeature.Reconnection | XenStoreServerFeature.Error) => {
  const page = FlatMemory.allocate(4096)
  page.store(at.serverFeatures.word, features)
  let deliver = (): void => undefined
  const outcomes: unknown[] = []
  const told = { server: 0 }
  const made: { back?: RingChannel } = {}
  const events = {
    listen: (port: Port, handler: (port: Port) => void) => {
      deliver = () => handler(port)
    },
    eoi: (_: Port, outcome: unknown) => outcomes.push(outcome),
    notify: () => {
      told.server++
      queueMicrotask(() => made.back?.wake())
    },
  } as unknown as EventChannels
  const serve = (): ScriptedServer => {
    made.back = RingChannel.back(page, () => queueMicrotask(() => deliver()))
    return new ScriptedServer(made.back)
  }
  /** As docs/misc/xenstore-ring.txt has a server answer a domain that asks for a connection. */
  const connect = (): ScriptedServer => {
    for (const { word } of [at.reqCons, at.reqProd, at.rspCons, at.rspProd]) page.store(word, 0)
    page.store(at.connection.word, XenStoreConnection.Connected)
    const server = serve()
    deliver()
    return server
  }
  const giveUp = (error: XenStoreRingError): void => made.back!.giveUp(error)
  const clock = new ManualClock()
  const open = (): XenStoreClient => {
    const link = new RingLink(page, events, PORT)
    return new XenStoreClient(link.channel, { clock, reconnect: (signal) => link.reconnect(signal) })
  }
  const retry = async (): Promise<void> => {
    clock.pass(10_000)
    await settle()
  }
  return { page, serve, connect, giveUp, open, retry, told, outcomes, deliver: () => deliver() }
}

describe('rule 54: a server that gave the page up', () => {
  it('is asked for a new connection: the old error is gone, and all goes on once it is there', async () => {
    const { page, serve, connect, giveUp, open, retry } = world()
    serve()
    const client = open()
    const reading = client.read('a')
    await settle()
    giveUp(XenStoreRingError.Protocol)
    await settle()
    expect([client.connected, page.load(at.connection.word)]).toEqual([false, XenStoreConnection.Connected])
    await retry()
    expect([page.load(at.connection.word), page.load(at.error.word)]).toEqual([XenStoreConnection.Reconnect, 0])
    expect(client.connected).toBe(false)
    const server = connect()
    server.answer = (request) => server.reply(request, 'value')
    expect(await reading).toBe('value')
    expect(client.connected).toBe(true)
  })

  it('is told by an event, and nothing of the page is used before it says that it is connected', async () => {
    const { page, serve, giveUp, open, retry, told, deliver } = world()
    serve()
    const client = open()
    giveUp(XenStoreRingError.RingIndex)
    await settle()
    const before = told.server
    await retry()
    expect(told.server).toBe(before + 1)
    const reading = client.read('a')
    reading.catch(() => undefined)
    page.store(at.rspProd.word, 77)
    deliver()
    await settle()
    expect([page.load(at.reqProd.word), page.load(at.rspCons.word)]).toEqual([0, 0])
    client.close()
    await expect(reading).rejects.toMatchObject({ code: 'CLOSED' })
  })

  it('that takes nobody back ends the client', async () => {
    const { serve, giveUp, open, retry, page } = world(XenStoreServerFeature.Error)
    serve()
    const client = open()
    const reading = client.read('a')
    await settle()
    giveUp(XenStoreRingError.Protocol)
    await settle()
    await Promise.all([expect(reading).rejects.toMatchObject({ code: 'CLOSED' }), retry()])
    expect(client.closed).toBe(true)
    expect(page.load(at.connection.word)).toBe(XenStoreConnection.Connected)
  })

  it('R2: and one whose indices are out of bounds is asked likewise', async () => {
    const { page, serve, connect, open, retry, deliver } = world()
    serve()
    const client = open()
    const reading = client.read('a')
    await settle()
    page.store(at.rspProd.word, 0x8000_0000)
    deliver()
    await settle()
    await retry()
    expect(page.load(at.connection.word)).toBe(XenStoreConnection.Reconnect)
    const server = connect()
    server.answer = (request) => server.reply(request, 'value')
    expect(await reading).toBe('value')
  })

  it('registers each watch again once, and events are answered throughout', async () => {
    const { serve, connect, giveUp, open, retry, outcomes } = world()
    const first = serve()
    first.answer = (request) => first.reply(request)
    const client = open()
    const watch = await client.watch('a')
    giveUp(XenStoreRingError.Protocol)
    await settle()
    await retry()
    const server = connect()
    server.answer = (request) => server.reply(request)
    await settle()
    expect(server.requests.map(({ type }) => type)).toEqual([XenStoreOp.Watch])
    server.event('a', watch.token)
    expect(await watch[Symbol.asyncIterator]().next()).toEqual({ done: false, value: 'a' })
    expect(outcomes.length).toBeGreaterThan(2)
    expect(outcomes.at(-1)).toBe('worked')
  })
})

it('rule 54: a page on which a connection is being made already is left alone until it is there', async () => {
  const { page, connect, open } = world(0)
  page.store(at.connection.word, XenStoreConnection.Reconnect)
  page.store(at.rspProd.word, 0x8000_0000)
  const client = open()
  const reading = client.read('a')
  await settle()
  expect([client.connected, page.load(at.reqProd.word)]).toEqual([true, 0])
  const server = connect()
  server.answer = (request) => server.reply(request, 'value')
  expect(await reading).toBe('value')
})
