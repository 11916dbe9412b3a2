import { assert, assertEqual, assertList, assertRejects } from './assert.js'
import {
  assertGuards,
  assertRangeError,
  type BlockStoreCase,
  BYTES,
  guarded,
  join,
  OUTSIDE,
  pattern,
  readAll,
  SECTORS,
} from './block-store-case.js'

const SHAPES: readonly (readonly number[])[] = [
  [512],
  [4096],
  [512, 512],
  [4096, 512, 1024],
  [512, 4096, 4096, 3584],
  Array.from({ length: 11 }, () => 512),
]

/** What every store does: reads, writes and flushes. */
export const blockStoreTransferCases: readonly BlockStoreCase[] = [
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
    name: 'is disposed twice without harm',
    run: async (store) => {
      await store[Symbol.asyncDispose]()
    },
  },
]
