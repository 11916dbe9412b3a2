import {
  array,
  bytes,
  type Field,
  i8,
  i16,
  i32,
  nested,
  struct,
  text,
  u8,
  u16,
  u32,
  u64,
  words,
} from '@split-driver/abi'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

/** Two words of surroundings on each side, all ones, so that a write too wide shows. */
const BASE = 2
const surrounded = (fieldWords: number): Int32Array => new Int32Array(2 * BASE + fieldWords).fill(-1)

const bytesOf = (target: Int32Array): number[] => [...new Uint8Array(target.buffer)]

/** Sets a field, expects to read `value` again, and expects no byte outside the field to change. */
const roundTrip = <T>(field: Field<T>, value: T, read: T = value): void => {
  const target = surrounded(Math.ceil((field.offset + field.bytes) / 4))
  field.set(target, BASE, value)
  expect(field.get(target, BASE)).toEqual(read)
  const start = BASE * 4 + field.offset
  const outside = bytesOf(target).filter((_, at) => at < start || at >= start + field.bytes)
  expect(outside.every((byte) => byte === 0xff)).toBe(true)
}

describe('narrow fields', () => {
  it.each([
    ['u8', u8, 0, 0xff],
    ['i8', i8, -0x80, 0x7f],
    ['u16', u16, 0, 0xffff],
    ['i16', i16, -0x8000, 0x7fff],
    ['u32', u32, 0, 0xffff_ffff],
    ['i32', i32, -0x8000_0000, 0x7fff_ffff],
  ] as const)('%s keeps every value from end to end, and its neighbours', (_, make, lowest, highest) => {
    const offsets = [0, 1, 2, 3, 4, 5, 6, 7].filter((offset) => offset % make(0).bytes === 0)
    const edges = [lowest, lowest + 1, -1, 0, 1, highest - 1, highest].filter((v) => v >= lowest && v <= highest)
    for (const offset of offsets) for (const value of edges) roundTrip(make(offset), value)
    fc.assert(
      fc.property(fc.constantFrom(...offsets), fc.integer({ min: lowest, max: highest }), (offset, value) =>
        roundTrip(make(offset), value),
      ),
    )
  })

  it('a negative status is stored as C stores it, little-endian', () => {
    const target = new Int32Array(1)
    i16(2).set(target, 0, -2)
    expect(bytesOf(target)).toEqual([0, 0, 0xfe, 0xff])
  })

  it.each([
    ['u16', () => u16(1)],
    ['i16', () => i16(3)],
    ['u32', () => u32(2)],
    ['i32', () => i32(1)],
    ['u64', () => u64(6)],
  ])('%s cannot lie askew', (_, declare) => {
    expect(declare).toThrow(RangeError)
  })
})

/** Around each boundary where one half, a double or a sign gives way. */
const interesting64 = [
  0n,
  1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n - 1n,
]

describe('u64', () => {
  it.each(interesting64)('keeps %d, also at 4-byte alignment', (value) => {
    roundTrip(u64(0), value)
    roundTrip(u64(4), value)
  })

  it.each(interesting64)('getNumber of %d is the number, or Infinity where a number could not tell it', (value) => {
    const target = new Int32Array(2)
    u64(0).set(target, 0, value)
    const expected = value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : Number.POSITIVE_INFINITY
    expect(u64(0).getNumber(target, 0)).toBe(expected)
  })

  it('setNumber and set write the same words', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        const [a, b] = [surrounded(2), surrounded(2)]
        u64(0).setNumber(a, BASE, value)
        u64(0).set(b, BASE, BigInt(value))
        expect(a).toEqual(b)
        expect(u64(0).getNumber(a, BASE)).toBe(value)
      }),
    )
  })
})

describe('fields of more than one value', () => {
  const pair = struct('pair', 8, { low: u32(0), tag: u16(4) })

  it('bytes: fills up with zeros, reads a copy, refuses what is too long', () => {
    const field = bytes(1, 5)
    roundTrip(field, Uint8Array.of(1, 2, 3), Uint8Array.of(1, 2, 3, 0, 0))
    const target = new Int32Array(2)
    field.get(target, 0).fill(9)
    expect(bytesOf(target)).toEqual(Array(8).fill(0))
    expect(() => field.set(target, 0, new Uint8Array(6))).toThrow(RangeError)
  })

  it.each(['', 'a', 'seven b', 'ä€'])('text: %j comes back, and a NUL stands behind it', (value) => {
    roundTrip(text(4, 8), value)
  })

  it('text: needs room for the NUL, holds none, and may lack it only when read', () => {
    const target = new Int32Array(2)
    expect(() => text(0, 8).set(target, 0, '8 bytes!')).toThrow(RangeError)
    expect(() => text(0, 8).set(target, 0, 'a\0b')).toThrow(RangeError)
    new Uint8Array(target.buffer).set(new TextEncoder().encode('8 bytes!'))
    expect(text(0, 8).get(target, 0)).toBe('8 bytes!')
  })

  it('words: unsigned, element by element; fewer may be set, not more', () => {
    roundTrip(words(4, 3), [0, 0x8000_0000, 0xffff_ffff])
    roundTrip(words(0, 2), [7], [7, 0xffff_ffff])
    expect(words(4, 3).wordOf(2)).toBe(3)
    expect(() => words(0, 1).set(new Int32Array(2), 0, [1, 2])).toThrow(RangeError)
  })

  it('array: of structs that are whole words, at their places', () => {
    const field = array(4, 3, pair)
    expect(field.wordOf(2)).toBe(1 + 2 * 2)
    const values = [1, 2, 3].map((low) => ({ low, tag: low * 100 }))
    const target = new Int32Array(7)
    field.set(target, 0, values)
    expect(field.get(target, 0)).toEqual(values)
    expect(pair.at.low.get(target, field.wordOf(1))).toBe(2)
    expect(() => field.set(target, 0, [...values, values[0]!])).toThrow(RangeError)
    expect(() => array(0, 2, struct('odd', 6, { a: u16(0) }))).toThrow(RangeError)
  })

  it('nested: a struct within a struct', () => {
    const outer = struct('outer', 16, { before: u32(0), inner: nested(4, pair), after: u32(12) })
    const value = { before: 1, inner: { low: 2, tag: 3 }, after: 4 }
    expect(outer.read(outer.create(value))).toEqual(value)
    expect(outer.at.inner.layout.at.tag.get(outer.create(value), outer.at.inner.word)).toBe(3)
  })
})
