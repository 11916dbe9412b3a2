import { MemoryBlockStore } from '@split-driver/blkif'
import { blockStoreSuite } from '@split-driver/conformance'
import { describe, expect, test } from 'vitest'

describe('MemoryBlockStore', () => {
  blockStoreSuite({ test, factory: async (content, options) => new MemoryBlockStore(content, options) })

  test('answers at once: no promise is made', () => {
    const store = new MemoryBlockStore(new Uint8Array(512))
    expect(store.read(0, [new Uint8Array(512)])).toBeUndefined()
    expect(store.write(0, [new Uint8Array(512)])).toBeUndefined()
    expect(store.flush()).toBeUndefined()
  })

  test.each(['discard', 'writeZeroes'] as const)('%s: the range reads as zeros, and nothing beside it', (how) => {
    const bytes = new Uint8Array(4 * 512).fill(7)
    new MemoryBlockStore(bytes)[how](512, 1024)
    expect(bytes).toEqual(new Uint8Array(2048).fill(7, 0, 512).fill(7, 1536))
  })

  test.each([
    [0, 4096],
    [1, 512],
    [512, 100],
    [2048, 512],
    [-512, 512],
    [0, -512],
  ])('%i: no %i bytes are discarded', (position, length) => {
    expect(() => new MemoryBlockStore(new Uint8Array(2048)).discard(position, length)).toThrow(RangeError)
  })

  test('a read-only one discards nothing', () => {
    const store = new MemoryBlockStore(new Uint8Array(512).fill(1), { readOnly: true })
    expect(() => store.discard(0, 512)).toThrow(/^EROFS/)
  })

  test.each([0, 1, 511, 513, 1000])('a disk of %i bytes is refused', (length) => {
    expect(() => new MemoryBlockStore(new Uint8Array(length))).toThrow(/^EINVAL: the memory disk/)
  })

  test.each([0, 256, 513, 1536, Number.NaN])('a sector size of %d is refused', (sectorBytes) => {
    expect(() => new MemoryBlockStore(new Uint8Array(8192), { sectorBytes })).toThrow(RangeError)
  })
})
