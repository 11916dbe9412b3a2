import { VolatileBlockStore } from '@split-driver/blkif'
import { blockStoreSuite } from '@split-driver/conformance'
import { describe, expect, test } from 'vitest'

const sector = (fill: number): Uint8Array => new Uint8Array(512).fill(fill)
const first = (store: VolatileBlockStore, count: number): number[] => {
  const bytes = new Uint8Array(count * 512)
  store.read(0, [bytes])
  return Array.from({ length: count }, (_, i) => bytes[i * 512]!)
}

describe('VolatileBlockStore', () => {
  blockStoreSuite({
    test,
    notRun: (name, reason) => test.todo(`${name}: not run, ${reason}`),
    offers: ['discard', 'writeZeroes'],
    factory: async (content, options) => new VolatileBlockStore(content, options),
  })

  test('what was not flushed is durable only where it happened to be', () => {
    const medium = new Uint8Array(2048).fill(1)
    const disk = new VolatileBlockStore(medium)
    disk.write(0, [sector(2), sector(3)])
    disk.write(0, [sector(4)])
    disk.discard(1024, 512)
    expect([medium[0], disk.unflushedSectors]).toEqual([1, 4])
    disk.powerCut((index) => index !== 2)
    expect(first(disk, 4)).toEqual([2, 3, 0, 1])
    expect([medium[0], medium[512], medium[1024], disk.unflushedSectors]).toEqual([2, 3, 0, 0])
  })

  test('of several writes of one sector the latest that had reached the medium counts', () => {
    const disk = new VolatileBlockStore(new Uint8Array(512))
    for (const fill of [1, 2, 3]) disk.write(0, [sector(fill)])
    disk.powerCut((index) => index < 2)
    expect(first(disk, 1)).toEqual([2])
  })

  test('what was flushed survives', () => {
    const disk = new VolatileBlockStore(new Uint8Array(1024))
    disk.write(0, [sector(5)])
    disk.flush()
    disk.write(512, [sector(6)])
    disk.powerCut(() => false)
    expect(first(disk, 2)).toEqual([5, 0])
  })

  test('no sector is torn: a larger one is one change', () => {
    const disk = new VolatileBlockStore(new Uint8Array(8192), { sectorBytes: 4096 })
    disk.write(0, [new Uint8Array(8192).fill(7)])
    expect(disk.unflushedSectors).toBe(2)
  })
})
