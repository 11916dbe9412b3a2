import type { BlockStore } from '@split-driver/blkif'
import { assert, assertEqual, assertList, assertRejects, ConformanceFailure } from './assert.js'
import { SeededRandom } from './seeded-random.js'

export interface BlockStoreSuiteOptions {
  /** Registers a test with whatever runner there is, such as vitest's `test`. */
  readonly test: (name: string, body: () => Promise<void>) => void
  /** A store that holds exactly `content`; it is disposed by the suite. */
  readonly factory: (content: Uint8Array, options: BlockStoreRequest) => Promise<BlockStore>
  /** Seed of the random cases, u32; 1 unless given. */
  readonly seed?: number
}

/** What kind of store a case asks for. */
export interface BlockStoreRequest {
  readonly sectorBytes: number
  readonly readOnly: boolean
}

interface Case {
  readonly name: string
  readonly readOnly?: boolean
  readonly sectorBytes?: number
  readonly content?: () => Uint8Array
  run(store: BlockStore, content: Uint8Array, seed: number): Promise<void>
}

const SECTORS = 64
const BYTES = SECTORS * 512

/** Every byte tells its sector and its place, so that a misplaced one shows. */
const pattern = (): Uint8Array => Uint8Array.from({ length: BYTES }, (_, i) => (i >> 9) * 7 + i)

const readAll = async (store: BlockStore): Promise<Uint8Array> => {
  const all = new Uint8Array(store.byteLength)
  await store.read(0, [all])
  return all
}

/** Views of these lengths, in shared memory as a guest's pages are, with a guard sector before and after each. */
const guarded = (lengths: readonly number[], fill: number): Uint8Array[] =>
  lengths.map((length) => new Uint8Array(new SharedArrayBuffer(length + 1024)).fill(fill).subarray(512, 512 + length))

const assertGuards = (views: readonly Uint8Array[], fill: number): void => {
  for (const view of views) {
    const whole = new Uint8Array(view.buffer)
    const outside = [...whole.subarray(0, 512), ...whole.subarray(512 + view.length)]
    assert(
      outside.every((byte) => byte === fill),
      'bytes beside a view were touched',
    )
  }
}

const join = (views: readonly Uint8Array[]): Uint8Array => Uint8Array.from(views.flatMap((view) => [...view]))

const SHAPES: readonly (readonly number[])[] = [
  [512],
  [4096],
  [512, 512],
  [4096, 512, 1024],
  [512, 4096, 4096, 3584],
  Array.from({ length: 11 }, () => 512),
]

/** Runs `action`, which must fail with a RangeError whether it throws or rejects. */
const assertRangeError = async (action: () => void | Promise<void>, what: string): Promise<void> => {
  try {
    await action()
  } catch (error) {
    if (error instanceof RangeError) return
    throw new ConformanceFailure(`${what}: not a RangeError`, { cause: error })
  }
  throw new ConformanceFailure(`${what}: was carried out`)
}

const OUTSIDE: readonly (readonly [string, number, number])[] = [
  ['one sector beyond the end', BYTES, 512],
  ['across the end', BYTES - 512, 1024],
  ['before the start', -512, 512],
  ['at a position that is no sector', 100, 512],
  ['of half a sector', 0, 256],
  ['at no position at all', Number.NaN, 512],
]

const CASES: readonly Case[] = [
  {
    name: 'tells its size and sector size',
    sectorBytes: 4096,
    run: async (store) => {
      assertEqual(store.byteLength, BYTES, 'byteLength')
      assertEqual(store.sectorBytes, 4096, 'sectorBytes')
      assertEqual(store.readOnly, false, 'readOnly')
    },
  },
  {
    name: 'reads into scattered views, in order, and touches nothing beside them (B7)',
    run: async (store, content) => {
      for (const shape of SHAPES) {
        const targets = guarded(shape, 0xee)
        await store.read(1024, targets)
        const bytes = join(targets)
        assertList(bytes, content.subarray(1024, 1024 + bytes.length), `read of ${shape}`)
        assertGuards(targets, 0xee)
      }
    },
  },
  {
    name: 'writes scattered views, in order, and touches no sector beside the range (B7)',
    run: async (store, content) => {
      const expected = content.slice()
      for (const [i, shape] of SHAPES.entries()) {
        const sources = guarded(shape, 0x30 + i)
        await store.write(1536, sources)
        expected.set(join(sources), 1536)
        assertList(await readAll(store), expected, `after the write of ${shape}`)
      }
    },
  },
  {
    name: 'reaches the first and the last sector',
    run: async (store, content) => {
      for (const position of [0, BYTES - 512]) {
        const target = new Uint8Array(512)
        await store.read(position, [target])
        assertList(target, content.subarray(position, position + 512), `sector at ${position}`)
        await store.write(position, [target.fill(0xa5)])
        assertList((await readAll(store)).subarray(position, position + 512), target, `rewritten at ${position}`)
      }
    },
  },
  {
    name: 'moves more views at once than a system call takes',
    run: async (store, content) => {
      const sectors = Array.from({ length: SECTORS }, () => new Uint8Array(512))
      const empty = Array.from({ length: 2000 }, () => new Uint8Array(0))
      await store.read(0, [...sectors.slice(0, 1), ...empty, ...sectors.slice(1)])
      assertList(join(sectors), content, 'read')
      await store.write(0, [...sectors.slice(0, 1), ...empty, ...sectors.slice(1).reverse()])
      assertList((await readAll(store)).subarray(512, 1024), content.subarray(BYTES - 512), 'written')
    },
  },
  {
    name: 'keeps apart what runs at the same time',
    run: async (store, content) => {
      const targets = Array.from({ length: SECTORS }, () => new Uint8Array(512))
      await Promise.all(targets.map((target, sector) => store.read(sector * 512, [target])))
      assertList(join(targets), content, 'reads')
      await Promise.all(targets.map((target, sector) => store.write(sector * 512, [target.fill(sector)])))
      assertList(await readAll(store), join(targets), 'writes')
    },
  },
  {
    name: 'refuses a range that is not whole sectors of its own, and changes nothing',
    run: async (store, content) => {
      for (const [what, position, length] of OUTSIDE) {
        const view = new Uint8Array(length).fill(0xee)
        await assertRangeError(() => store.read(position, [view]), `a read ${what}`)
        assert(
          view.every((byte) => byte === 0xee),
          `a read ${what} filled its target`,
        )
        await assertRangeError(() => store.write(position, [view]), `a write ${what}`)
      }
      assertList(await readAll(store), content, 'content')
    },
  },
  {
    name: 'B3: read-only refuses writes and keeps its content',
    readOnly: true,
    run: async (store, content) => {
      assertEqual(store.readOnly, true, 'readOnly')
      const write = async () => store.write(0, [new Uint8Array(512)])
      await assertRejects(write(), ['EROFS'], 'a write')
      assertList(await readAll(store), content, 'content')
    },
  },
  {
    name: 'B4: the header of an image format is content like any other',
    content: () => Uint8Array.from([0x51, 0x46, 0x49, 0xfb, 0, 0, 0, 3, ...pattern().subarray(8)]),
    run: async (store, content) => {
      assertEqual(store.byteLength, BYTES, 'byteLength')
      assertList(await readAll(store), content, 'content')
    },
  },
  {
    name: 'flushes, before and after writes, twice over',
    run: async (store, content) => {
      await store.flush()
      await store.write(0, [new Uint8Array(512)])
      await Promise.all([store.flush(), store.flush()])
      assertList((await readAll(store)).subarray(512), content.subarray(512), 'content')
    },
  },
  {
    name: 'equals an array under random reads and writes',
    run: async (store, content, seed) => {
      const model = content.slice()
      const random = new SeededRandom(seed)
      for (let step = 0; step < 300; step++) await randomStep(store, model, random)
      assertList(await readAll(store), model, 'content at the end')
    },
  },
  {
    name: 'is disposed twice without harm',
    run: async (store) => {
      await store[Symbol.asyncDispose]()
    },
  },
]

const randomStep = async (store: BlockStore, model: Uint8Array, random: SeededRandom): Promise<void> => {
  const position = random.below(SECTORS) * 512
  let left = Math.min(1 + random.below(20), SECTORS - position / 512)
  const lengths: number[] = []
  for (; left > 0; left -= lengths.at(-1)! / 512) lengths.push((1 + random.below(Math.min(8, left))) * 512)
  const views = guarded(lengths, random.below(256))
  if (random.below(2) === 0) {
    await store.write(position, views)
    model.set(join(views), position)
  } else {
    await store.read(position, views)
    const bytes = join(views)
    assertList(bytes, model.subarray(position, position + bytes.length), `read of ${lengths} at ${position}`)
  }
}

/** Every `BlockStore` holds to this, whatever its bytes lie in. */
export const blockStoreSuite = ({ test, factory, seed = 1 }: BlockStoreSuiteOptions): void => {
  for (const { name, readOnly = false, sectorBytes = 512, content = pattern, run } of CASES) {
    test(`block store: ${name}`, async () => {
      const bytes = content()
      await using store = await factory(bytes.slice(), { sectorBytes, readOnly })
      await run(store, bytes, seed)
    })
  }
}
