import { array, bytes, struct, u8, u16, u32, u64 } from '@split-driver/abi'
import { describe, expect, it } from 'vitest'

describe('struct', () => {
  it.each([
    ['overlap by a byte', () => struct('s', 8, { a: u32(0), b: u8(3) }), /s\.b at 3 overlaps a/],
    ['overlap, declared in any order', () => struct('s', 8, { b: u16(2), a: u32(0) }), /s\.b at 2 overlaps a/],
    ['the same place twice', () => struct('s', 8, { a: u8(0), b: u8(0) }), /overlaps/],
    ['end beyond the struct', () => struct('s', 4, { a: u8(0), b: u16(4) }), /s\.b ends at 6, beyond the struct's 4/],
    [
      'an array’s end beyond the struct',
      () => struct('s', 8, { a: array(0, 3, struct('e', 4, { x: u8(0) })) }),
      /ends at 12/,
    ],
  ])('rule of the house 6: fields that %s are refused when they are declared', (_, declare, message) => {
    expect(declare).toThrow(RangeError)
    expect(declare).toThrow(message)
  })

  it('fields may touch each other and the end', () => {
    expect(struct('s', 6, { a: u32(0), b: u8(4), c: u8(5) })).toMatchObject({ name: 's', bytes: 6, words: 2 })
  })

  const header = struct('header', 12, { type: u8(0), flags: u16(2), id: u64(4) })

  it('creates a struct with zeros elsewhere, reads it, at any base', () => {
    const created = header.create({ flags: 0xabcd })
    expect(created.length).toBe(3)
    expect(header.read(created)).toEqual({ type: 0, flags: 0xabcd, id: 0n })
    const two = new Int32Array(6)
    header.write(two, { type: 1, flags: 2, id: 3n }, 3)
    expect(header.read(two, 3)).toEqual({ type: 1, flags: 2, id: 3n })
    expect(header.read(two)).toEqual({ type: 0, flags: 0, id: 0n })
  })

  it('write leaves what it is not told', () => {
    const target = new Int32Array(3).fill(-1)
    header.write(target, { flags: 0 })
    expect([...new Uint8Array(target.buffer)]).toEqual([255, 255, 0, 0, ...Array(8).fill(255)])
  })

  it('a field knows its word', () => {
    expect([header.at.type.word, header.at.flags.word, header.at.id.word]).toEqual([0, 0, 1])
    expect(bytes(7, 2).word).toBe(1)
  })
})
