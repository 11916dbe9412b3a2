import type { Platform } from '@split-driver/platform'
import { assertEqual } from './assert.js'

/** How many pages the peer of `sharer` still holds, as `unshare` or `reclaim` told; nothing where a world cannot tell. */
export const assertHeldPages = (
  { supports }: Pick<Platform, 'supports'>,
  told: number,
  expected: number,
  what: string,
): void => {
  if (supports.heldPageCount) assertEqual(told, expected, what)
}
