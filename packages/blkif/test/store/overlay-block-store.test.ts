import {
  type BlockStore,
  FaultyBlockStore,
  MemoryBlockStore,
  OverlayBlockStore,
  VolatileBlockStore,
} from '@split-driver/blkif'
import { blockStoreSuite, SeededRandom } from '@split-driver/conformance'
import { describe, expect, test } from 'vitest'
import { nextTurnClock } from '../fakes/next-turn-clock.js'
import { SlowStore } from '../fakes/slow-store.js'

const SECTORS = 64
const BYTES = SECTORS * 512

const slowly = (store: BlockStore): BlockStore =>
  new FaultyBlockStore(store, { clock: nextTurnClock, fault: () => ({ delayMilliseconds: 1 }) })

const filled = (fill: number): Uint8Array => new Uint8Array(BYTES).fill(fill)
const noChanges = (): Uint8Array => new Uint8Array(OverlayBlockStore.changesBytes({ byteLength: BYTES }))
const open = (base: Uint8Array, changes: Uint8Array, readOnlyBase = true): Promise<OverlayBlockStore> =>
  OverlayBlockStore.open({
    base: new MemoryBlockStore(base, { readOnly: readOnlyBase }),
    changes: new MemoryBlockStore(changes),
  })

const sector = (fill: number): Uint8Array => new Uint8Array(512).fill(fill)

/** The first byte of each sector, which all bytes of it must be. */
const fills = async (store: BlockStore): Promise<number[]> => {
  const bytes = new Uint8Array(BYTES)
  await store.read(0, [bytes])
  return Array.from({ length: SECTORS }, (_, i) => {
    const one = bytes.subarray(i * 512, (i + 1) * 512)
    return one.every((byte) => byte === one[0]) ? one[0]! : Number.NaN
  })
}

describe.each([
  { how: 'at once', wrap: (store: BlockStore) => store },
  { how: 'later', wrap: slowly },
])('OverlayBlockStore over stores that answer $how', ({ wrap }) => {
  blockStoreSuite({
    test,
    notRun: (name, reason) => test.todo(`${name}: not run, ${reason}`),
    offers: ['discard', 'writeZeroes'],
    factory: async (content, { sectorBytes, readOnly }) =>
      OverlayBlockStore.open({
        base: wrap(new MemoryBlockStore(content, { sectorBytes, readOnly: true })),
        changes: wrap(new MemoryBlockStore(noChanges(), { readOnly })),
      }),
  })
})

describe('OverlayBlockStore', () => {
  test('finds its changes again, and its base untouched', async () => {
    const base = filled(1)
    const changes = noChanges()
    {
      await using overlay = await open(base, changes)
      await overlay.write(512, [sector(2), sector(3)])
      await overlay.flush()
    }
    await using again = await open(base, changes)
    expect((await fills(again)).slice(0, 5)).toEqual([1, 2, 3, 1, 1])
    expect(Buffer.compare(base, filled(1))).toBe(0)
  })

  test('needs no promise where its stores need none', async () => {
    await using overlay = await open(filled(1), noChanges())
    expect(overlay.write(512, [sector(2)])).toBeUndefined()
    expect(overlay.read(0, [new Uint8Array(2048)])).toBeUndefined()
  })

  test('a part that fails is told only when no other part is in work: they fill the same guest’s pages', async () => {
    const slow = new SlowStore(new MemoryBlockStore(filled(1)))
    const refusing = new MemoryBlockStore(noChanges())
    await using overlay = await OverlayBlockStore.open({ base: slow, changes: refusing })
    overlay.write(0, [sector(2)])
    refusing.read = () => {
      throw new Error('the medium is broken')
    }
    let ended = false
    const reading = Promise.resolve(overlay.read(0, [new Uint8Array(1024)])).finally(() => {
      ended = true
    })
    reading.catch(() => undefined)
    for (let turn = 0; turn < 5; turn++) await Promise.resolve()
    expect([slow.begun, ended]).toEqual([['read 512'], false])
    await slow.letGo()
    await expect(reading).rejects.toThrow('the medium is broken')
  })

  test('its map on the medium names no sector that was written while it was flushed', async () => {
    const medium = noChanges()
    const disk = new VolatileBlockStore(medium)
    await using overlay = await OverlayBlockStore.open({ base: new MemoryBlockStore(filled(1)), changes: disk })
    overlay.write(0, [sector(2)])
    const flushOfDisk = disk.flush.bind(disk)
    disk.flush = () => {
      flushOfDisk()
      disk.flush = flushOfDisk
      // Comes when the disk's data are flushed already, and its map is not yet.
      overlay.write(512, [sector(3)])
    }
    await overlay.flush()
    disk.powerCut(() => false)
    await using after = await open(filled(1), medium)
    expect((await fills(after)).slice(0, 3)).toEqual([2, 1, 1])
  })

  test.each([
    ['too small', new Uint8Array(BYTES), /^EINVAL: the store for changes has 32768 bytes, and 98304 are needed/],
    ['something else', noChanges().fill(7, 0, 3), /^EINVAL: the store for changes holds something else/],
  ])('refuses a store for changes that is %s', async (_, changes, message) => {
    await expect(open(filled(1), changes)).rejects.toThrow(message)
  })

  test('refuses the changes of another disk', async () => {
    const changes = noChanges()
    await (await open(filled(1), changes)).flush()
    const half = filled(1).subarray(0, BYTES / 2)
    await expect(open(half, changes)).rejects.toThrow(/changes of a disk of 32768 bytes.*, not of one of 16384/)
  })
})

describe('OverlayBlockStore.commit', () => {
  test('brings the base up to date, and reads from there', async () => {
    const base = filled(1)
    const changes = noChanges()
    await using overlay = await open(base, changes, false)
    await overlay.write(1024, [sector(2), sector(3)])
    expect(await overlay.commit()).toBe(1024)
    expect([base[1023], base[1024], base[1536], base[2048]]).toEqual([1, 2, 3, 1])
    base.fill(9, 1024, 1536)
    expect((await fills(overlay)).slice(1, 5)).toEqual([1, 9, 3, 1])
    await using again = await open(base, changes, false)
    expect(await again.commit()).toBe(0)
  })

  test('keeps what is written while it copies', async () => {
    const slow = new SlowStore(new MemoryBlockStore(filled(1)))
    await using overlay = await OverlayBlockStore.open({ base: slow, changes: new MemoryBlockStore(noChanges()) })
    await overlay.write(0, [sector(2), sector(3)])
    const committing = overlay.commit()
    await expect.poll(() => slow.begun).toEqual(['write 0'])
    await overlay.write(512, [sector(4)])
    await expect(overlay.commit()).rejects.toThrow(/^EBUSY/)
    await slow.letGo()
    await expect.poll(() => slow.begun).toEqual(['flush'])
    await slow.letGo()
    expect(await committing).toBe(1024)
    const target = new Uint8Array(512)
    await overlay.read(512, [target])
    expect(target[0]).toBe(4)
  })

  test('is refused where the base is read-only', async () => {
    await using overlay = await open(filled(1), noChanges())
    await expect(overlay.commit()).rejects.toThrow(/^EROFS: the base/)
  })
})

describe('OverlayBlockStore.snapshot', () => {
  test('is the disk as it was, whatever is written later', async () => {
    const first = noChanges()
    const second = noChanges()
    await using overlay = await open(filled(1), first)
    await overlay.write(0, [sector(2)])
    const snapshot = await overlay.snapshot(new MemoryBlockStore(second))
    await overlay.write(0, [sector(3)])
    await overlay.write(512, [sector(4)])
    await overlay.flush()
    expect((await fills(snapshot)).slice(0, 3)).toEqual([2, 1, 1])
    expect((await fills(overlay)).slice(0, 3)).toEqual([3, 4, 1])
    await expect(async () => snapshot.write(0, [sector(5)])).rejects.toThrow(/^EROFS/)
    await using below = await open(filled(1), first)
    await using again = await OverlayBlockStore.open({ base: below, changes: new MemoryBlockStore(second) })
    expect((await fills(again)).slice(0, 3)).toEqual([3, 4, 1])
  })

  test('has the writes that were in work, and none that came later', async () => {
    const first = new SlowStore(new MemoryBlockStore(noChanges()))
    const opening = OverlayBlockStore.open({ base: new MemoryBlockStore(filled(1)), changes: first })
    await first.letGo()
    await first.letGo()
    await using overlay = await opening
    const early = overlay.write(0, [sector(2)])
    const taking = overlay.snapshot(new MemoryBlockStore(noChanges()))
    await expect.poll(() => first.begun).toEqual(['write 65536'])
    for (let turn = 0; turn < 20; turn++) await Promise.resolve()
    await overlay.write(0, [sector(3)])
    await first.letGo()
    await early
    for (const what of ['flush', 'write 512', 'flush']) {
      await expect.poll(() => first.begun).toEqual([what])
      await first.letGo()
    }
    const snapshot = await taking
    const reading = fills(snapshot)
    await first.letGo()
    expect((await reading)[0]).toBe(2)
    expect((await fills(overlay))[0]).toBe(3)
  })
})

test.each(Array.from({ length: 12 }, (_, i) => i + 1))(
  'whatever survives a power cut, what was flushed does: seed %i',
  async (seed) => {
    const random = new SeededRandom(seed)
    const base = filled(1)
    const medium = noChanges()
    for (let cut = 0; cut < 5; cut++) {
      const disk = new VolatileBlockStore(medium)
      const overlay = await OverlayBlockStore.open({ base: new MemoryBlockStore(base), changes: disk })
      const possible = (await fills(overlay)).map((fill) => [fill])
      const steps = random.below(30)
      for (let step = 0; step < steps; step++) {
        const at = random.below(SECTORS)
        const choice = random.below(6)
        if (choice === 0) {
          await overlay.flush()
          for (const versions of possible) versions.splice(0, versions.length - 1)
        } else if (choice === 1) {
          await overlay.discard!(at * 512, 512)
          possible[at]!.push(0)
        } else {
          const fill = 1 + random.below(255)
          await overlay.write(at * 512, [sector(fill)])
          possible[at]!.push(fill)
        }
      }
      disk.powerCut(() => random.below(2) === 0)
      const after = await OverlayBlockStore.open({
        base: new MemoryBlockStore(base),
        changes: new MemoryBlockStore(medium),
      })
      for (const [at, fill] of (await fills(after)).entries())
        expect(possible[at], `sector ${at}, cut ${cut}`).toContain(fill)
    }
  },
)
