import { FlatMemory } from '@split-driver/abi'
import { describe, expect, it } from 'vitest'
import { BackRing } from '../src/back-ring.js'
import { sringHeader } from '../src/shared-header.js'
import { firstIndices } from './interesting.js'
import { request, respond, ringPair, settle, take } from './ring-pair.js'

const { reqEvent, rspProd } = sringHeader.at

describe('rule 1: a backend attaches', () => {
  it('changes not one byte of the ring', () => {
    const memory = FlatMemory.allocate(4096)
    for (let word = 0; word < 1024; word++) memory.store(word, word * 0x01010101)
    BackRing.attach(memory, 112)
    for (let word = 0; word < 1024; word++) expect(memory.load(word)).toBe((word * 0x01010101) | 0)
  })

  it.each(firstIndices)('meets again what nobody has answered, in a ring that is in use from %i on', (first) => {
    const { front, back, memory } = ringPair(first)
    request(front, 10, 5)
    respond(back, take(back, 2))
    take(back, 1)
    const successor = BackRing.attach(memory, 112)
    expect(successor).toMatchObject({ reqCons: (first + 2) >>> 0, rspProdPvt: (first + 2) >>> 0 })
    expect(take(successor)).toEqual([12, 13, 14])
    respond(successor, [12, 13, 14])
    expect(settle(front)).toEqual([10, 11, 12, 13, 14])
  })

  it('starts where its caller says', () => {
    const { front, memory } = ringPair(0)
    request(front, 10, 5)
    const back = BackRing.attach(memory, 112, 3)
    expect([back.reqCons, back.rspProdPvt, take(back)]).toEqual([3, 3, [13, 14]])
  })
})

describe.each(firstIndices)('with all indices at %i', (first) => {
  it('rule 6: unconsumed = published − reqCons', () => {
    const { front, back } = ringPair(first)
    expect(back.unconsumedRequests()).toBe(0)
    request(front, 1, 32)
    expect(back.unconsumedRequests()).toBe(32)
    take(back, 30)
    expect(back.unconsumedRequests()).toBe(2)
    respond(back, [1, 2, 3])
    settle(front)
    request(front, 33, 3)
    expect(back.unconsumedRequests()).toBe(5)
  })

  it('rule 7: the consumer overflows when all slots are in work, tested by ≥', () => {
    const { front, back } = ringPair(first)
    request(front, 1, 32)
    take(back, 31)
    expect(back.requestConsOverflow()).toBe(false)
    take(back, 1)
    expect(back.requestConsOverflow()).toBe(true)
    respond(back, [1])
    expect(back.requestConsOverflow()).toBe(false)
  })

  it('rule 8: a response may not take the slot of a request that was not consumed', () => {
    const { front, back, memory } = ringPair(first)
    request(front, 77)
    expect(() => back.putResponse(Int32Array.of(-1), 0, 1)).toThrow(RangeError)
    expect(memory.load(back.slotWord(first))).toBe(77)
    back.consumeRequest()
    back.putResponse(Int32Array.of(-1), 0, 1)
    expect(memory.load(back.slotWord(first))).toBe(-1)
  })

  it('rule 8: parts of a request are fetched in any portion, to any place', () => {
    const { front, back } = ringPair(first)
    front.putRequest(
      Int32Array.from({ length: 28 }, (_, i) => i),
      0,
      28,
    )
    front.pushRequests()
    const copy = new Int32Array(30)
    back.copyRequest(copy, 1, 6, 4)
    back.copyRequest(copy, 10, 0, 2)
    back.copyRequest(copy, 20, 27, 1)
    expect([...copy]).toEqual([0, 6, 7, 8, 9, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 27, ...new Array(9).fill(0)])
  })

  it('rule 9: responses in another order than the requests', () => {
    const { front, back } = ringPair(first)
    request(front, 1, 4)
    respond(back, take(back).reverse())
    expect(settle(front)).toEqual([4, 3, 2, 1])
  })

  it('rule 4: notifies when the frontend asked for this response, and not again', () => {
    const { front, back, memory } = ringPair(first)
    request(front, 1, 3)
    take(back)
    back.putResponse(Int32Array.of(1), 0, 1)
    expect(memory.load(rspProd.word) >>> 0).toBe(first)
    expect(back.pushResponses()).toBe(true)
    expect(respond(back, [2])).toBe(false)
    back.putResponse(Int32Array.of(3), 0, 1)
    back.publishResponses()
    expect(settle(front)).toEqual([1, 2, 3])
  })

  it('rule 5: the final check asks for the very next request', () => {
    const { front, back, memory } = ringPair(first)
    request(front, 1)
    expect(back.finalCheckForRequests()).toBe(true)
    expect(take(back)).toEqual([1])
    expect(back.finalCheckForRequests()).toBe(false)
    expect(memory.load(reqEvent.word) >>> 0).toBe((first + 2) >>> 0)
    expect(request(front, 2)).toBe(true)
  })

  it('takes and answers whole batches in place', () => {
    const { front, back, memory } = ringPair(first)
    request(front, 60, 4)
    const ids = Array.from({ length: back.unconsumedRequests() }, (_, i) => memory.load(back.requestWord(i)))
    back.consumeRequest(4)
    for (let i = 0; i < 4; i++) memory.store(back.responseWord(i), ids[i]! + 100)
    expect(() => back.advanceResponses(5)).toThrow(RangeError)
    back.advanceResponses(4)
    back.publishResponses()
    expect(settle(front)).toEqual([160, 161, 162, 163])
  })
})

it.each([0, 1, 2, 3, 4])('rule 2: whole slots do not overlap anywhere in a ring of order %i', (order) => {
  const { front, back } = ringPair(2 ** 32 - 2, 108, order)
  const words = new Int32Array(27)
  for (let i = 0; i < front.ringSize; i++) front.putRequest(words.fill(i), 0, 27)
  front.pushRequests()
  for (let i = 0; i < front.ringSize; i++) {
    back.copyRequest(words, 0, 0, 27)
    back.consumeRequest()
    expect(new Set(words)).toEqual(new Set([i]))
  }
})
