import { MemoryBlockStore } from '@split-driver/blkif'
import { blockStoreSuite } from '@split-driver/conformance'
import { describe, expect, test } from 'vitest'

describe('MemoryBlockStore', () => {
  blockStoreSuite({
    test,
    notRun: (name, reason) => test.todo(`${name}: not run, ${reason}`),
    offers: ['discard', 'secure discard', 'writeZeroes'],
    factory: async (content, options) => new MemoryBlockStore(content, options),
  })

  test('answers at once: no promise is made', () => {
    const store = new MemoryBlockStore(new Uint8Array(512))
    expect(store.read(0, [new Uint8Array(512)])).toBeUndefined()
    expect(store.write(0, [new Uint8Array(512)])).toBeUndefined()
    expect(store.flush()).toBeUndefined()
  })

  test.each([0, 1, 511, 513, 1000])('a disk of %i bytes is refused', (length) => {
    expect(() => new MemoryBlockStore(new Uint8Array(length))).toThrow(/^EINVAL: the memory disk/)
  })

  test.each([0, 256, 513, 1536, Number.NaN])('a sector size of %d is refused', (sectorBytes) => {
    expect(() => new MemoryBlockStore(new Uint8Array(8192), { sectorBytes })).toThrow(RangeError)
  })
})
