import type { FlatMemory } from '@split-driver/abi'
import { CountingMemory } from '@split-driver/conformance'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BackRing } from '../src/back-ring.js'
import { FrontRing } from '../src/front-ring.js'
import { RING_BROKEN, sringHeader } from '../src/shared-header.js'
import { firstIndices, interestingIndices } from './interesting.js'
import { request, respond, ringPair, settle, take } from './ring-pair.js'

const { reqProd, rspProd } = sringHeader.at
const SLOTS = 64

/** A peer that changes every byte of a slot right after it was fetched (R1). */
const fickle = (memory: FlatMemory): CountingMemory =>
  new CountingMemory(memory, (offset, bytes) => {
    for (let i = offset; offset >= SLOTS && i < offset + bytes; i++) memory.store8(i, ~memory.load8(i))
  })

describe('R1: each byte of a slot is fetched at most once', () => {
  it('by a backend that copies a request in two parts', () => {
    const { front, memory } = ringPair()
    const request = Int32Array.from({ length: 28 }, (_, i) => 1000 + i)
    front.putRequest(request, 0, 28)
    front.pushRequests()
    const counting = fickle(memory)
    const back = BackRing.attach(counting, 112)
    const copy = new Int32Array(28)
    back.copyRequest(copy, 0, 0, 6)
    back.copyRequest(copy, 6, 6, 22)
    back.consumeRequest()
    back.putResponse(copy, 0, 3)
    back.pushResponses()
    expect(copy).toEqual(request)
    expect(counting.mostFetched(SLOTS)).toBe(1)
  })

  it('by a frontend, of a response; and of its requests none', () => {
    const { back, memory } = ringPair()
    const counting = fickle(memory)
    const front = FrontRing.attach(counting, 112)
    front.putRequest(Int32Array.of(1, 2, 3, 4), 0, 4)
    front.pushRequests()
    expect(counting.mostFetched(SLOTS)).toBe(0)
    respond(back, take(back))
    expect(settle(front)).toEqual([1])
    expect(counting.mostFetched(SLOTS)).toBe(1)
    expect([counting.fetches(SLOTS), counting.fetches(SLOTS + 4)]).toEqual([1, 0])
  })

  it('nobody reads back the producer that it wrote: a peer that changes it changes nothing', () => {
    const { front, back, memory } = ringPair()
    expect(request(front, 1)).toBe(true)
    memory.store(reqProd.word, 0)
    // Had the front believed the page, the event at 1 would seem crossed once more.
    expect(request(front, 2)).toBe(false)
    take(back)
    expect(respond(back, [1])).toBe(true)
    memory.store(rspProd.word, 0)
    expect(respond(back, [2])).toBe(false)
    expect(settle(front)).toEqual([1, 2])
  })
})

describe.each(firstIndices)('R2: with a ring in use at %i', (first) => {
  const u32 = fc.oneof(fc.constantFrom(...interestingIndices), fc.nat(0xffff_ffff))

  it('a request producer is believed iff it lies within what the slots can hold', () => {
    fc.assert(
      fc.property(u32, fc.nat(32), fc.nat(32), (prod, taken, answered) => {
        const { front, back, memory } = ringPair(first)
        request(front, 1, 32)
        take(back, taken)
        respond(back, new Array(Math.min(answered, taken)).fill(0))
        memory.store(reqProd.word, first + prod)
        const possible = prod >= taken && prod <= Math.min(answered, taken) + 32
        expect(back.unconsumedRequests()).toBe(possible ? prod - taken : RING_BROKEN)
        expect(back.requestProdOverflow()).toBe(!possible)
        expect(back.broken).toBe(!possible)
      }),
    )
  })

  it('a response producer is believed iff it lies within the ring’s size', () => {
    fc.assert(
      fc.property(u32, fc.nat(32), (prod, settled) => {
        const { front, back, memory } = ringPair(first)
        request(front, 1, 32)
        respond(back, take(back))
        front.consumeResponse(settled)
        memory.store(rspProd.word, first + prod)
        const possible = prod >= settled && prod <= settled + 32
        expect(front.unconsumedResponses()).toBe(possible ? prod - settled : RING_BROKEN)
        expect(front.responseProdOverflow()).toBe(!possible)
        expect(front.broken).toBe(!possible)
      }),
    )
  })

  it.each(['one more than the ring holds', 'one backwards'] as const)('%s breaks the ring for good', (how) => {
    const { front, back, memory } = ringPair(first)
    const bad = how === 'one backwards' ? first - 1 : first + 33
    memory.store(reqProd.word, bad)
    memory.store(rspProd.word, bad)
    expect([back.finalCheckForRequests(), front.finalCheckForResponses()]).toEqual([false, false])
    memory.store(reqProd.word, first + 1)
    memory.store(rspProd.word, first + 1)
    expect([back.unconsumedRequests(), front.unconsumedResponses()]).toEqual([RING_BROKEN, RING_BROKEN])
    expect([back.finalCheckForRequests(), front.finalCheckForResponses()]).toEqual([false, false])
    expect([back.broken, front.broken]).toEqual([true, true])
  })

  it('as many as the ring holds is honest', () => {
    const { front, back } = ringPair(first)
    request(front, 1, 32)
    expect([back.unconsumedRequests(), back.broken]).toEqual([32, false])
    respond(back, take(back))
    expect([front.unconsumedResponses(), front.broken]).toEqual([32, false])
  })
})

describe('R3: only defined bytes of a response change', () => {
  it.each([1, 3, 4, 28])('a response of %i words leaves every other byte of the page alone', (words) => {
    const { front, back, memory } = ringPair()
    for (let word = 16; word < 1024; word++) memory.store(word, 0x5a5a5a5a)
    front.advanceRequests()
    front.pushRequests()
    take(back)
    back.putResponse(new Int32Array(28).fill(7), 0, words)
    for (let word = 16; word < 1024; word++) expect(memory.load(word)).toBe(word < 16 + words ? 7 : 0x5a5a5a5a)
  })
})
