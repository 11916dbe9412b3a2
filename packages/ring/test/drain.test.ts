import { CountingMemory } from '@split-driver/conformance'
import { describe, expect, it } from 'vitest'
import { BackRing } from '../src/back-ring.js'
import { drainRequests, drainResponses } from '../src/drain.js'
import { FrontRing } from '../src/front-ring.js'
import { sringHeader } from '../src/shared-header.js'
import { request, respond, ringPair, take } from './ring-pair.js'

const { reqProd, reqEvent, rspEvent } = sringHeader.at

describe('a pass over a ring', () => {
  it('takes all that waits, then asks to be woken', () => {
    const { front, back, memory } = ringPair()
    request(front, 1, 5)
    const taken: number[] = []
    expect(drainRequests(back, 64, (ring) => taken.push(...take(ring, 1)))).toBe('idle')
    expect(taken).toEqual([1, 2, 3, 4, 5])
    expect(memory.load(reqEvent.word)).toBe(6)
  })

  it('takes responses likewise', () => {
    const { front, back, memory } = ringPair()
    request(front, 1, 5)
    respond(back, take(back))
    expect(drainResponses(front, 64, (ring) => ring.consumeResponse())).toBe('idle')
    expect([front.rspCons, memory.load(rspEvent.word)]).toEqual([5, 6])
  })

  it('meets what arrives while it works', () => {
    const { front, back } = ringPair()
    request(front, 1)
    let next = 2
    const taken: number[] = []
    const outcome = drainRequests(back, 64, (ring) => {
      taken.push(...take(ring, 1))
      if (next < 6) request(front, next++)
    })
    expect([outcome, taken]).toEqual(['idle', [1, 2, 3, 4, 5]])
  })

  it('B11: stops at its limit though the peer fills as fast as it drains, and does not ask to be woken', () => {
    const { front, back, memory } = ringPair()
    request(front, 1)
    let taken = 0
    const outcome = drainRequests(back, 1000, (ring) => {
      respond(ring, take(ring, 1))
      front.consumeResponse()
      request(front, taken++)
    })
    expect([outcome, taken, memory.load(reqEvent.word)]).toEqual(['more', 1000, 1])
  })

  it('ends exactly at its limit when no more waits: the next pass finds it idle', () => {
    const { front, back } = ringPair()
    request(front, 1, 4)
    expect(drainRequests(back, 4, (ring) => ring.consumeRequest())).toBe('more')
    expect(drainRequests(back, 4, (ring) => ring.consumeRequest())).toBe('idle')
  })

  it('R2: an impossible producer ends it, and is not met as a request', () => {
    const { back, memory } = ringPair()
    memory.store(reqProd.word, 33)
    let taken = 0
    expect(drainRequests(back, 64, () => taken++)).toBe('broken')
    expect(taken).toBe(0)
  })

  it('R2: a producer that becomes impossible at the very last look ends it, too', () => {
    const { memory } = ringPair()
    let looks = 0
    const watched = new CountingMemory(memory, () => {
      if (++looks === 2) memory.store(reqProd.word, -5)
    })
    expect(drainRequests(BackRing.attach(watched, 112, 0), 64, () => {})).toBe('broken')
  })

  it('R2: a producer that toggles at every look cannot hold it for ever', () => {
    const { memory } = ringPair()
    let looks = 0
    const watched = new CountingMemory(memory, (offset) => {
      if (offset === reqProd.offset) memory.store(reqProd.word, ++looks & 1)
    })
    expect(drainRequests(BackRing.attach(watched, 112, 0), 50, () => {})).toBe('more')
    expect(looks).toBeLessThan(200)
  })

  it('R2: likewise for responses', () => {
    const { memory } = ringPair()
    memory.store(sringHeader.at.rspProd.word, 33)
    expect(drainResponses(FrontRing.attach(memory, 112, 0), 64, () => {})).toBe('broken')
  })
})
