import { FlatMemory, type Port } from '@split-driver/abi'
import type { EventChannels } from '@split-driver/evtchn'
import { xenstoreDomainInterface } from '@split-driver/ring'
import {
  listenForRing,
  RingChannel,
  XenStoreClient,
  XenStoreRingError,
  XenStoreServerFeature,
} from '@split-driver/xenbus'
import { describe, expect, it } from 'vitest'
import { ScriptedServer } from '../client/scripted-server.js'

const { at } = xenstoreDomainInterface

const world = (start = 0) => {
  const page = FlatMemory.allocate(4096)
  for (const field of [at.reqCons, at.reqProd, at.rspCons, at.rspProd]) page.store(field.word, start)
  const notified = { front: 0, back: 0 }
  const front = RingChannel.front(page, () => notified.front++)
  const back = RingChannel.back(page, () => notified.back++)
  return { page, front, back, notified }
}

const block = new Uint8Array(2000).map((_, i) => i)

describe('rule 54: the ring page', () => {
  it('requests lie at 0, replies at 1024, as the header says', () => {
    const { page, front, back } = world()
    front.send(Uint8Array.of(0xaa))
    back.send(Uint8Array.of(0xbb))
    expect([page.load8(0), page.load8(1024)]).toEqual([0xaa, 0xbb])
    expect([at.reqCons, at.reqProd, at.rspCons, at.rspProd].map(({ word }) => page.load(word))).toEqual([0, 1, 0, 1])
  })

  for (const start of [0, 1023, 0x7fff_ffff, 0xffff_fffe])
    it(`holds 1024 bytes from index ${start} on, and both ends agree`, () => {
      const { front, back } = world(start)
      expect(front.send(block)).toBe(1024)
      expect(front.send(block)).toBe(0)
      const target = new Uint8Array(2000)
      expect(back.receive(target)).toBe(1024)
      expect(target.subarray(0, 1024)).toEqual(block.subarray(0, 1024))
    })

  it('finds the room that the other side makes before it sees the ring full, of which Linux does not tell', () => {
    const { page, back } = world()
    const store = page.storeOrdered.bind(page)
    // All that is there is taken while we write behind it: by the first of our stores the ring is empty, not full.
    page.storeOrdered = (word, value) => {
      if (word === at.rspProd.word && value === 1024) store(at.rspCons.word, 24)
      store(word, value)
    }
    expect(back.send(block.subarray(0, 24))).toBe(24)
    expect(back.send(block.subarray(24))).toBe(1024)
  })

  it('notifies after producing and after consuming, never for nothing', () => {
    const { front, back, notified } = world()
    front.receive(new Uint8Array(5))
    expect(notified).toEqual({ front: 0, back: 0 })
    front.send(Uint8Array.of(1, 2))
    expect(notified).toEqual({ front: 1, back: 0 })
    back.receive(new Uint8Array(1))
    expect(notified).toEqual({ front: 1, back: 1 })
    back.receive(new Uint8Array(0))
    front.send(new Uint8Array(0))
    expect(notified).toEqual({ front: 1, back: 1 })
  })

  for (const ahead of [1025, 0x8000_0000, 0xffff_ffff])
    it(`R2: a producer ${ahead} ahead closes either end for good, with error 2`, () => {
      for (const prod of [at.reqProd, at.rspProd]) {
        const { page, front, back } = world()
        page.store(prod.word, ahead)
        for (const end of [front, back]) {
          expect(end.closed).toBe(true)
          expect(end.error).toBe(XenStoreRingError.RingIndex)
        }
        page.store(prod.word, 0)
        expect(back.closed).toBe(true)
        expect(back.receive(new Uint8Array(10)) + back.send(block)).toBe(0)
      }
    })

  it('a full ring, 1024 ahead, is sound', () => {
    const { page, front, back } = world()
    page.store(at.reqProd.word, 1024)
    expect([front.closed, back.closed]).toEqual([false, false])
  })

  it('a server that gives the page up says why in it, and the domain sees it closed', () => {
    const { page, front, back, notified } = world()
    page.store(at.serverFeatures.word, XenStoreServerFeature.Error)
    expect(front.closed).toBe(false)
    back.giveUp(XenStoreRingError.Protocol)
    expect(page.load(at.error.word)).toBe(3)
    expect(notified.back).toBe(1)
    expect([front.closed, back.closed]).toEqual([true, true])
  })

  it('the error field means nothing unless the server advertises it', () => {
    const { page, front } = world()
    page.store(at.error.word, 3)
    expect(front.closed).toBe(false)
  })
})

it('an event wakes the channel, and is ended after the work', () => {
  const { front } = world()
  const order: string[] = []
  let deliver: (port: Port) => void = () => undefined
  const events = {
    listen: (_port: Port, handler: (port: Port) => void) => {
      deliver = handler
    },
    eoi: (port: Port) => order.push(`eoi ${port}`),
  } as unknown as EventChannels
  front.onReady(() => order.push('ready'))
  listenForRing(front, events, 5 as Port)
  deliver(5 as Port)
  expect(order).toEqual(['ready', 'eoi 5'])
})

it('a client and a server talk over the page, replies longer than the ring included', async () => {
  const page = FlatMemory.allocate(4096)
  const front: RingChannel = RingChannel.front(page, () => queueMicrotask(() => back.wake()))
  const back: RingChannel = RingChannel.back(page, () => queueMicrotask(() => front.wake()))
  const server = new ScriptedServer(back)
  server.answer = (request) => server.reply(request, new Uint8Array(4096).fill(7))
  const client = new XenStoreClient(front)
  const values = await Promise.all([client.readBytes('a'), client.readBytes('b'), client.readBytes('c')])
  for (const value of values) expect(value).toEqual(new Uint8Array(4096).fill(7))
  page.store(at.rspProd.word, 0x8000_0000)
  const failing = client.read('a')
  front.wake()
  await expect(failing).rejects.toMatchObject({ code: 'CLOSED' })
})
