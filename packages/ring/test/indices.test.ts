import { FlatMemory } from '@split-driver/abi'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FrontRing } from '../src/front-ring.js'
import { after, distance, flexRingBytes, mustNotify, ringSizeOf } from '../src/indices.js'
import { interestingIndices } from './interesting.js'

const u32 = fc.oneof(fc.constantFrom(...interestingIndices), fc.nat(0xffff_ffff))
const modulo = (value: number): number => ((value % 2 ** 32) + 2 ** 32) % 2 ** 32

describe('rule 3: indices run freely through u32', () => {
  it('distance is the difference modulo 2³²', () => {
    fc.assert(fc.property(u32, u32, (a, b) => void expect(distance(a, b)).toBe(modulo(a - b))))
  })

  it('distance does not mind indices kept as signed words', () => {
    fc.assert(fc.property(u32, u32, (a, b) => void expect(distance(a | 0, b | 0)).toBe(modulo(a - b))))
  })

  it('after wraps past 2³² and stays a signed word', () => {
    fc.assert(
      fc.property(u32, fc.nat(8192), (index, steps) => {
        expect(after(index, steps) >>> 0).toBe(modulo(index + steps))
        expect(after(index, steps)).toBe(after(index, steps) | 0)
      }),
    )
  })
})

describe('rule 4: notify iff (u32)(new − event) < (u32)(new − old)', () => {
  it.each(interestingIndices)('with old = %i, exactly for events in old + 1 … new', (old) => {
    for (const count of [0, 1, 2, 31, 32]) {
      for (let ahead = -2; ahead <= 34; ahead++) {
        const wanted = ahead >= 1 && ahead <= count
        expect(mustNotify(after(old, count), after(old, ahead), old)).toBe(wanted)
      }
    }
  })
})

describe('rule 2: slots = largest power of two ≤ (bytes − 64) / slot size', () => {
  it.each([
    { slotBytes: 112, order: 0, slots: 32 },
    { slotBytes: 112, order: 4, slots: 512 },
    { slotBytes: 108, order: 0, slots: 32 },
    { slotBytes: 108, order: 4, slots: 512 },
    { slotBytes: 64, order: 0, slots: 32 },
    { slotBytes: 60, order: 0, slots: 64 },
    { slotBytes: 12, order: 0, slots: 256 },
    { slotBytes: 8, order: 0, slots: 256 },
    { slotBytes: 4, order: 0, slots: 512 },
    { slotBytes: 4032, order: 0, slots: 1 },
  ])('$slots slots of $slotBytes bytes at order $order', ({ slotBytes, order, slots }) => {
    expect(ringSizeOf(4096 << order, slotBytes)).toBe(slots)
  })

  it('holds for any size', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), fc.integer({ min: 0, max: 4 }), (words, order) => {
        const size = ringSizeOf(4096 << order, words * 4)
        expect(size * words * 4).toBeLessThanOrEqual((4096 << order) - 64)
        expect(size * 2 * words * 4).toBeGreaterThan((4096 << order) - 64)
        expect(Math.log2(size) % 1).toBe(0)
      }),
    )
  })

  it.each([0, -4, 3, 110, 4.5, Number.NaN])('a slot of %d bytes is refused', (slotBytes) => {
    expect(() => ringSizeOf(4096, slotBytes)).toThrow(RangeError)
  })

  it.each([
    { bytes: 4096, slotBytes: 4036 },
    { bytes: 64, slotBytes: 4 },
    { bytes: 0, slotBytes: 4 },
  ])('$slotBytes bytes do not fit a ring of $bytes', ({ bytes, slotBytes }) => {
    expect(() => ringSizeOf(bytes, slotBytes)).toThrow(RangeError)
  })
})

describe('rule 3: mask only on access', () => {
  it.each(interestingIndices)('slot %i lies in the ring and its neighbours beside it', (index) => {
    const front = FrontRing.attach(FlatMemory.allocate(4096), 112, index)
    expect(front.slotWord(index)).toBe(16 + (index % 32) * 28)
    expect(front.slotWord(index | 0)).toBe(front.slotWord(index))
    expect(front.requestWord(1)).toBe(16 + ((index + 1) % 32) * 28)
    expect(front.responseWord(5)).toBe(16 + ((index + 5) % 32) * 28)
  })
})

it.each([
  [1, 4096],
  [5, 65536],
])('rule 10: a flexible ring of order %i has %i bytes each way', (order, bytes) => {
  expect(flexRingBytes(order)).toBe(bytes)
})
