import { FlatMemory } from '@split-driver/abi'
import { describe, expect, it } from 'vitest'

describe('FlatMemory', () => {
  it('starts zeroed, in memory that threads can share', () => {
    const memory = FlatMemory.allocate(16)
    expect(memory.byteLength).toBe(16)
    expect([...memory.bytes(0, 16)]).toEqual(Array(16).fill(0))
    expect(memory.bytes(0, 1).buffer).toBeInstanceOf(SharedArrayBuffer)
  })

  it('counts words, half words and bytes, little-endian', () => {
    const memory = FlatMemory.allocate(16)
    memory.store(1, 0x8403_0201)
    expect([...memory.bytes(4, 4)]).toEqual([0x01, 0x02, 0x03, 0x84])
    expect([memory.load16(2), memory.load16(3)]).toEqual([0x0201, 0x8403])
    expect([memory.load8(4), memory.load8(7)]).toEqual([0x01, 0x84])
    memory.store16(2, 0xffee)
    memory.store8(7, 0x10)
    expect(memory.load(1) >>> 0).toBe(0x1003_ffee)
    memory.storeOrdered(0, -5)
    expect(memory.loadOrdered(0)).toBe(-5)
  })

  it('is a window: nothing outside it is reached', () => {
    const buffer = new SharedArrayBuffer(24)
    const window = new FlatMemory(buffer, 8, 8)
    window.copyIn(0, Int32Array.of(9, -1, -2, 9), 1, 2)
    expect([...new Int32Array(buffer)]).toEqual([0, 0, -1, -2, 0, 0])
    expect(() => window.loadOrdered(2)).toThrow(RangeError)
    expect(new FlatMemory(buffer, 8).byteLength).toBe(16)
    expect(() => new FlatMemory(buffer, 2)).toThrow(RangeError)
  })

  it.each([
    ['exchange', (m: FlatMemory) => m.exchange(0, 5), 5],
    ['or', (m: FlatMemory) => m.or(0, 1 << 31), 0x8000_00f0 | 0],
    ['and', (m: FlatMemory) => m.and(0, 0x30), 0x30],
    ['compareExchange that meets', (m: FlatMemory) => m.compareExchange(0, 0xf0, 7), 7],
    ['compareExchange that misses', (m: FlatMemory) => m.compareExchange(0, 0xf1, 7), 0xf0],
    ['exchange8', (m: FlatMemory) => m.exchange8(0, 3), 3],
    ['compareExchange16 that meets', (m: FlatMemory) => m.compareExchange16(0, 0xf0, 9), 9],
    ['compareExchange16 that misses', (m: FlatMemory) => m.compareExchange16(0, 0, 9), 0xf0],
  ])('%s answers what was there before', (_, act, after) => {
    const memory = FlatMemory.allocate(8)
    memory.store(0, 0xf0)
    expect(act(memory)).toBe(0xf0)
    expect(memory.load(0)).toBe(after)
  })

  it('compareExchange16 touches its half word only', () => {
    const memory = FlatMemory.allocate(4)
    memory.store(0, 0x1234_00ff)
    expect(memory.compareExchange16(0, 0xff, 0)).toBe(0xff)
    expect(memory.load(0)).toBe(0x1234_0000)
  })

  it('R1: copyOut is a private copy, from any word to any place', () => {
    const memory = FlatMemory.allocate(16)
    memory.store(2, 7)
    const copy = new Int32Array(4).fill(-1)
    memory.copyOut(2, 2, copy, 1)
    memory.store(2, 8)
    expect([...copy]).toEqual([-1, 7, 0, -1])
  })

  it.each([0, 1, 2, 3, 4, 5, 7, 8, 9, 28])('copies %i words each way, and not one more', (count) => {
    const memory = FlatMemory.allocate(256)
    const source = Int32Array.from({ length: 64 }, (_, i) => ~i)
    memory.copyIn(3, source, 2, count)
    const copied = source.slice(2, 2 + count)
    const all = new Int32Array(64)
    memory.copyOut(0, 64, all, 0)
    expect([...all]).toEqual([0, 0, 0, ...copied, ...Array(61 - count).fill(0)])
    const back = new Int32Array(64)
    memory.copyOut(3, count, back, 5)
    expect([...back]).toEqual([...Array(5).fill(0), ...copied, ...Array(59 - count).fill(0)])
  })

  it.each([
    [-1, 1],
    [0, 17],
    [16, 1],
    [1, -1],
  ])('bytes in place stay inside: %i, %i', (offset, length) => {
    const memory = FlatMemory.allocate(16)
    expect(() => memory.bytes(offset, length)).toThrow(RangeError)
    expect(() => memory.mutableBytes(offset, length)).toThrow(RangeError)
  })

  it('bytes in place are the memory itself', () => {
    const memory = FlatMemory.allocate(8)
    memory.mutableBytes(4, 4).fill(1)
    expect(memory.load(1)).toBe(0x0101_0101)
    expect(memory.bytes(8, 0).length).toBe(0)
  })
})
