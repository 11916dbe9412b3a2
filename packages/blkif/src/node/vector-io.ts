import { XenError } from '@split-driver/abi'
import { sliceViews } from '../views.js'

/** Moves bytes between a file at `position` and `views`, in order. @returns how many; may be fewer than asked for */
export type VectorCall = (views: readonly Uint8Array[], position: number) => number

export type AsyncVectorCall = (views: readonly Uint8Array[], position: number) => Promise<number>

/** Repeats a transfer that the system cut short (by a signal, or beyond IOV_MAX views) until all is moved. */
export const transferAll = (call: VectorCall, views: readonly Uint8Array[], position: number, total: number): void => {
  let done = call(views, position)
  while (done < total) done += progress(call(sliceViews(views, done, total), position + done), position + done)
}

/** As `transferAll`, off the thread. */
export const transferAllAsync = async (
  call: AsyncVectorCall,
  views: readonly Uint8Array[],
  position: number,
  total: number,
): Promise<void> => {
  let done = await call(views, position)
  while (done < total) done += progress(await call(sliceViews(views, done, total), position + done), position + done)
}

const progress = (moved: number, position: number): number => {
  if (moved > 0) return moved
  throw new XenError('EIO', `the file ended at byte ${position}: it was made shorter while it was in use`)
}
