import type { BlockStore } from '@split-driver/blkif'
import { assert, assertList, ConformanceFailure } from './assert.js'

/** What not every store can do. */
export type BlockStoreOffer = 'discard' | 'secure discard' | 'writeZeroes'

/** One thing that a store must do. */
export interface BlockStoreCase {
  readonly name: string
  readonly needs?: BlockStoreOffer
  readonly readOnly?: boolean
  readonly sectorBytes?: number
  readonly content?: () => Uint8Array
  run(store: BlockStore, content: Uint8Array, seed: number): Promise<void>
}

export const SECTORS = 64
export const BYTES = SECTORS * 512

/** Every byte tells its sector and its place, so that a misplaced one shows. */
export const pattern = (): Uint8Array => Uint8Array.from({ length: BYTES }, (_, i) => (i >> 9) * 7 + i)

export const readAll = async (store: BlockStore): Promise<Uint8Array> => {
  const all = new Uint8Array(store.byteLength)
  await store.read(0, [all])
  return all
}

/** Views of these lengths, in shared memory as a guest's pages are, with a guard sector before and after each. */
export const guarded = (lengths: readonly number[], fill: number): Uint8Array[] =>
  lengths.map((length) => new Uint8Array(new SharedArrayBuffer(length + 1024)).fill(fill).subarray(512, 512 + length))

export const assertGuards = (views: readonly Uint8Array[], fill: number): void => {
  for (const view of views) {
    const whole = new Uint8Array(view.buffer)
    const outside = [...whole.subarray(0, 512), ...whole.subarray(512 + view.length)]
    assert(
      outside.every((byte) => byte === fill),
      'bytes beside a view were touched',
    )
  }
}

export const join = (views: readonly Uint8Array[]): Uint8Array => Uint8Array.from(views.flatMap((view) => [...view]))

/** Runs `action`, which must fail with a RangeError whether it throws or rejects. */
export const assertRangeError = async (action: () => void | Promise<void>, what: string): Promise<void> => {
  try {
    await action()
  } catch (error) {
    if (error instanceof RangeError) return
    throw new ConformanceFailure(`${what}: not a RangeError`, { cause: error })
  }
  throw new ConformanceFailure(`${what}: was carried out`)
}

/** Ranges that no store may touch. */
export const OUTSIDE: readonly (readonly [string, number, number])[] = [
  ['one sector beyond the end', BYTES, 512],
  ['across the end', BYTES - 512, 1024],
  ['before the start', -512, 512],
  ['at a position that is no sector', 100, 512],
  ['of half a sector', 0, 256],
  ['at no position at all', Number.NaN, 512],
]

/** Brings `expected` up to what `actual` chose to keep. */
export const assertDiscarded = (actual: Uint8Array, expected: Uint8Array, position: number, length: number): void => {
  for (let at = position; at < position + length; at += 512)
    if (actual.subarray(at, at + 512).every((byte) => byte === 0)) expected.fill(0, at, at + 512)
  assertList(actual, expected, `after ${length} bytes at ${position} were discarded`)
}
