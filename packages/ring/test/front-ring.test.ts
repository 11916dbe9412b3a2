import { FlatMemory } from '@split-driver/abi'
import { describe, expect, it } from 'vitest'
import { FrontRing } from '../src/front-ring.js'
import { sringHeader } from '../src/shared-header.js'
import { firstIndices } from './interesting.js'
import { request, respond, ringPair, settle, take } from './ring-pair.js'

const { reqProd, reqEvent, rspProd, rspEvent } = sringHeader.at

describe('rule 1: initialising', () => {
  it('producers 0, both events 1, the rest of the header 0, slots untouched', () => {
    const memory = FlatMemory.allocate(4096)
    for (let word = 0; word < 1024; word++) memory.store(word, -1)
    FrontRing.initialise(memory, 112)
    const header = Array.from({ length: 16 }, (_, word) => memory.load(word))
    expect(header).toEqual([0, 1, 0, 1, ...new Array(12).fill(0)])
    for (let word = 16; word < 1024; word++) expect(memory.load(word)).toBe(-1)
  })

  it('refuses a ring that is too small before it writes a byte of it', () => {
    const memory = FlatMemory.allocate(64)
    expect(() => FrontRing.initialise(memory, 112)).toThrow(RangeError)
    expect(memory.load(reqEvent.word)).toBe(0)
  })

  it('starts empty, with all slots free', () => {
    const front = FrontRing.initialise(FlatMemory.allocate(4096), 112)
    expect(front).toMatchObject({ reqProdPvt: 0, rspCons: 0, ringSize: 32, slotWords: 28, broken: false })
    expect([front.freeRequests(), front.isFull(), front.unconsumedResponses()]).toEqual([32, false, 0])
  })

  it('attaching takes both private indices from the published responses, or from its caller', () => {
    const memory = FlatMemory.allocate(4096)
    memory.store(rspProd.word, 7)
    expect(FrontRing.attach(memory, 112)).toMatchObject({ reqProdPvt: 7, rspCons: 7 })
    expect(FrontRing.attach(memory, 112, 2 ** 32 - 1)).toMatchObject({ reqProdPvt: 2 ** 32 - 1, rspCons: 2 ** 32 - 1 })
    expect(memory.load(reqEvent.word)).toBe(0)
  })
})

describe.each(firstIndices)('with all indices at %i', (first) => {
  it('rule 3: full when reqProdPvt − rspCons is the ring’s size, published or not', () => {
    const { front, back } = ringPair(first)
    for (let free = 32; free > 0; free--) {
      expect([front.freeRequests(), front.isFull()]).toEqual([free, false])
      front.putRequest(Int32Array.of(free), 0, 1)
    }
    expect([front.freeRequests(), front.isFull()]).toEqual([0, true])
    expect(() => front.putRequest(Int32Array.of(0), 0, 1)).toThrow(RangeError)
    front.pushRequests()
    respond(back, take(back, 1))
    expect(front.isFull()).toBe(true)
    settle(front)
    expect([front.freeRequests(), front.isFull()]).toEqual([1, false])
  })

  it('a request that does not fit changes nothing', () => {
    const { front, memory } = ringPair(first)
    request(front, 100, 32)
    expect(() => front.putRequest(Int32Array.of(-1), 0, 1)).toThrow(RangeError)
    expect(memory.load(front.slotWord(first))).toBe(100)
    expect(front.reqProdPvt).toBe((first + 32) >>> 0)
  })

  it('a request is invisible until it is pushed', () => {
    const { front, back, memory } = ringPair(first)
    front.putRequest(Int32Array.of(1), 0, 1)
    expect([memory.load(reqProd.word) >>> 0, back.unconsumedRequests()]).toEqual([first, 0])
    front.publishRequests()
    expect([memory.load(reqProd.word) >>> 0, back.unconsumedRequests()]).toEqual([(first + 1) >>> 0, 1])
  })

  it('rule 4: notifies when the backend asked for this request, and not again', () => {
    const { front } = ringPair(first)
    expect(request(front, 1)).toBe(true)
    expect(request(front, 2)).toBe(false)
    expect(front.pushRequests()).toBe(false)
  })

  it('rule 4: what was published without looking counts as old at the next push', () => {
    const { front } = ringPair(first)
    front.putRequest(Int32Array.of(1), 0, 1)
    front.publishRequests()
    expect(request(front, 2)).toBe(false)
  })

  it('rule 5: the final check asks for the very next response', () => {
    const { front, back, memory } = ringPair(first)
    request(front, 1, 2)
    expect(front.finalCheckForResponses()).toBe(false)
    expect(memory.load(rspEvent.word) >>> 0).toBe((first + 1) >>> 0)
    expect(respond(back, take(back, 1))).toBe(true)
    expect(front.finalCheckForResponses()).toBe(true)
    expect(memory.load(rspEvent.word) >>> 0).toBe((first + 1) >>> 0)
    expect(settle(front)).toEqual([1])
    expect(front.finalCheckForResponses()).toBe(false)
    expect(memory.load(rspEvent.word) >>> 0).toBe((first + 2) >>> 0)
  })

  it('fills and takes whole batches in place', () => {
    const { front, back, memory } = ringPair(first)
    for (let i = 0; i < 5; i++) memory.store(front.requestWord(i), 50 + i)
    front.advanceRequests(5)
    front.publishRequests()
    respond(back, take(back))
    const ids = Array.from({ length: front.unconsumedResponses() }, (_, i) => memory.load(front.responseWord(i)))
    front.consumeResponse(ids.length)
    expect([ids, front.freeRequests()]).toEqual([[50, 51, 52, 53, 54], 32])
    expect(() => front.advanceRequests(33)).toThrow(RangeError)
  })
})
