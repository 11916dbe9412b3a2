import { FaultyBlockStore, MemoryBlockStore, type StoreFault, type StoreOperation } from '@split-driver/blkif'
import { blockStoreSuite } from '@split-driver/conformance'
import { describe, expect, test } from 'vitest'
import { nextTurnClock } from '../fakes/next-turn-clock.js'

const faulty = (bytes: Uint8Array, fault: (operation: StoreOperation) => StoreFault | undefined) =>
  new FaultyBlockStore(new MemoryBlockStore(bytes), { clock: nextTurnClock, fault })

describe('FaultyBlockStore', () => {
  blockStoreSuite({
    test,
    notRun: (name, reason) => test.todo(`${name}: not run, ${reason}`),
    offers: ['discard', 'secure discard', 'writeZeroes'],
    factory: async (content, options) =>
      new FaultyBlockStore(new MemoryBlockStore(content, options), { clock: nextTurnClock, fault: () => undefined }),
  })

  test('is told what is about to happen', async () => {
    const told: StoreOperation[] = []
    const disk = faulty(new Uint8Array(4096), (operation) => void told.push(operation))
    await disk.read(512, [new Uint8Array(512), new Uint8Array(1024)])
    await disk.write(0, [new Uint8Array(512)])
    await disk.flush()
    await disk.discard!(1024, 2048, false)
    await disk.writeZeroes!(0, 512)
    expect(told.map(({ kind, position, byteLength }) => `${kind} ${position} ${byteLength}`)).toEqual([
      'read 512 1536',
      'write 0 512',
      'flush 0 0',
      'discard 1024 2048',
      'writeZeroes 0 512',
    ])
  })

  test('what is to fail is not carried out', async () => {
    const bytes = new Uint8Array(512)
    const disk = faulty(bytes, ({ kind }) => (kind === 'write' ? { error: 'EIO' } : undefined))
    expect(() => disk.write(0, [new Uint8Array(512).fill(1)])).toThrow(/^EIO: .* this write at 0/)
    expect(bytes[0]).toBe(0)
  })

  test('what is delayed happens then, well or not', async () => {
    const bytes = new Uint8Array(1024)
    const disk = faulty(bytes, ({ position }) => ({
      delayMilliseconds: 5,
      ...(position > 0 ? { error: 'ENOSPC' } : {}),
    }))
    const writing = disk.write(0, [new Uint8Array(512).fill(1)])
    const failing = Promise.resolve(disk.write(512, [new Uint8Array(512).fill(1)]))
    expect(bytes[0]).toBe(0)
    await writing
    await expect(failing).rejects.toThrow(/^ENOSPC/)
    expect([bytes[0], bytes[512]]).toEqual([1, 0])
  })
})
