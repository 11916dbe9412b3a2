import { assertEqual, assertList, assertRejects } from './assert.js'
import { assertDiscarded, assertRangeError, type BlockStoreCase, BYTES, OUTSIDE, readAll } from './block-store-case.js'

/** The first sector, a range across pages, the last sector, and everything. */
const RANGES: readonly (readonly [position: number, length: number])[] = [
  [0, 512],
  [1536, 8192],
  [BYTES - 512, 512],
  [0, BYTES],
]

/** What a store does that gives space back or writes zeros. */
export const blockStoreOptionalCases: readonly BlockStoreCase[] = [
  {
    name: 'discards: each sector reads as it was or as zeros, and none beside the range is touched',
    needs: 'discard',
    run: async (store, content) => {
      const { granularityBytes, alignmentBytes = 0 } = store.discardUnits!
      assertEqual(granularityBytes % store.sectorBytes, 0, 'granularityBytes, in part of a sector')
      assertEqual(alignmentBytes % store.sectorBytes, 0, 'alignmentBytes, in part of a sector')
      const expected = content.slice()
      for (const [position, length] of RANGES) {
        await store.discard!(position, length, false)
        assertDiscarded(await readAll(store), expected, position, length)
      }
    },
  },
  {
    name: 'discards securely: nothing that was there reads back',
    needs: 'secure discard',
    run: async (store, content) => {
      await store.discard!(1024, 4096, true)
      assertList(await readAll(store), content.fill(0, 1024, 1024 + 4096), 'content')
    },
  },
  {
    name: 'writes zeros, and touches no sector beside the range',
    needs: 'writeZeroes',
    run: async (store, content) => {
      for (const [position, length] of RANGES) {
        await store.writeZeroes!(position, length)
        assertList(await readAll(store), content.fill(0, position, position + length), `${length} at ${position}`)
      }
    },
  },
  ...(['discard', 'writeZeroes'] as const).map(
    (name): BlockStoreCase => ({
      name: `${name} refuses a range that is not whole sectors of its own, and changes nothing`,
      needs: name,
      run: async (store, content) => {
        for (const [what, position, length] of OUTSIDE)
          await assertRangeError(() => store[name]!(position, length, false), `a ${name} ${what}`)
        assertList(await readAll(store), content, 'content')
      },
    }),
  ),
  ...(['discard', 'writeZeroes'] as const).map(
    (name): BlockStoreCase => ({
      name: `B3: read-only refuses ${name} and keeps its content`,
      needs: name,
      readOnly: true,
      run: async (store, content) => {
        const change = async () => store[name]?.(0, 4096, false)
        if (store[name] !== undefined) await assertRejects(change(), ['EROFS'], name)
        assertList(await readAll(store), content, 'content')
      },
    }),
  ),
  {
    name: 'what is written after a discard is there',
    needs: 'discard',
    run: async (store) => {
      await store.discard!(0, BYTES, false)
      const written = new Uint8Array(BYTES).fill(0x5a)
      await store.write(0, [written])
      await store.flush()
      assertList(await readAll(store), written, 'content')
    },
  },
]
